"""Money is bounded: every request is reserved before it is sent, whoever asks."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from autosota.agents.asking import Ask, Ending
from autosota.server.config.model import ModelSettings, OwnPrice
from autosota.server.model.book import Book, Limits, OverBudget
from autosota.server.model.client import Client
from autosota.server.model.prices import PRICES, Price, Usage, price_of
from autosota.server.model.redact import Redactor
from autosota.server.model.wire import Address


def test_cached_and_uncached_tokens_have_their_own_prices() -> None:
    price = PRICES["claude-opus-5-5"]
    assert price.micro_dollars(Usage(fresh=1_000_000)) == 4_000_000
    assert price.micro_dollars(Usage(cache_read=1_000_000)) == 200_000
    assert price.micro_dollars(Usage(cache_write=1_000_000)) == 5_000_000
    assert price.micro_dollars(Usage(output=1_000_000)) == 20_000_000
    assert price.micro_dollars(Usage(fresh=1)) == 4


def test_a_long_prompt_costs_what_long_prompts_cost() -> None:
    price = PRICES["claude-haiku-5-5"]
    assert price.micro_dollars(Usage(fresh=100_000)) == 10_000
    assert price.micro_dollars(Usage(fresh=60_000, cache_read=40_001)) == pytest.approx(
        5 * (6000 + 400.01), abs=1
    )
    assert price.most(200_000, 0) == 5 * 25_000


def test_prices_go_by_exact_name_and_own_prices_only_make_dearer() -> None:
    assert price_of("claude-haiku-4-5-20251001") == PRICES["claude-haiku-4-5"]
    assert price_of("claude-opus-9") is None
    assert price_of("claude-opus-5-5-fast") is None
    cheap, dear = Price(0.001, 0.001, 0.001, 0.001), Price(100, 100, 100, 100)
    assert price_of("claude-opus-5-5", {"claude-opus-5-5": cheap}) == PRICES["claude-opus-5-5"]
    assert price_of("claude-opus-5-5", {"claude-opus-5-5": dear}) == dear
    assert price_of("mine", {"mine": cheap}) == cheap


def test_what_a_call_cost_is_what_the_server_counted(
    fake: ModuleType, client: Callable[..., Client], book: Book
) -> None:
    with fake.MessagesApi([fake.Answer("x" * 400, cached=30, written=20)]) as api:
        assert client(api.url).ask(Ask("ideator", "a" * 400, "q")).answered
    entry = book.entries("c1")[0]
    assert entry.usage.cache_read == 30 and entry.usage.cache_write == 20
    assert entry.usage.prompt == api.prompt_tokens and entry.usage.output == api.output_tokens
    assert entry.micros == PRICES["claude-opus-5-5"].micro_dollars(entry.usage)
    assert book.spent("c1").cached_share == pytest.approx(30 / api.prompt_tokens)


def test_an_unknown_price_is_refused_where_dollars_are_bounded(
    fake: ModuleType, client: Callable[..., Client]
) -> None:
    ask = Ask("ideator", "", "q")
    with fake.MessagesApi([fake.Answer("ok")]) as api:
        reply = client(api.url, name="some-model").ask(ask)
        assert reply.ending is Ending.PRICE_UNKNOWN and "some-model" in reply.why
        per_day = Limits(micros_per_day=10**6)
        assert client(api.url, name="m", limits=per_day).ask(ask).ending is Ending.PRICE_UNKNOWN
        assert not api.requests
        assert client(api.url, name="some-model", limits=Limits(tokens=100_000)).ask(ask).answered
        own = {"some-model": OwnPrice(1.0, 2.0, 1.0, 1.0)}
        asked = client(api.url, name="some-model", prices=own, campaign="c2")
        assert asked.ask(ask).answered
    assert len(api.requests) == 2


@pytest.mark.parametrize(
    "limits",
    [
        Limits(micros=400_000),
        Limits(tokens=40_000),
        Limits(micros_per_day=400_000),
        Limits(tokens_per_day=40_000),
    ],
)
def test_the_budget_ends_asking_and_never_breaks(
    limits: Limits, fake: ModuleType, client: Callable[..., Client], book: Book
) -> None:
    with fake.MessagesApi([fake.Answer("x" * 20_000)]) as api:
        asked = client(api.url, limits=limits)
        endings = []
        for number in range(40):
            endings.append(asked.ask(Ask("ideator", "", f"question {number}")).ending)
            if endings[-1] is not Ending.ANSWERED:
                break
    assert endings[-1] is Ending.BUDGET_SPENT and len(endings) > 2
    assert len(api.requests) == len(endings) - 1
    billed = Usage(fresh=api.prompt_tokens, output=api.output_tokens)
    spent = book.spent("c1")
    assert spent.micros == pytest.approx(
        PRICES["claude-opus-5-5"].micro_dollars(billed), abs=len(endings)
    )
    for limit, used in ((limits.micros, spent.micros), (limits.tokens, spent.tokens)):
        assert limit is None or used <= limit


def test_the_answer_is_shortened_to_what_the_budget_leaves(
    fake: ModuleType, client: Callable[..., Client], book: Book
) -> None:
    with fake.MessagesApi([fake.Answer("x" * 200_000)]) as api:
        reply = client(api.url, limits=Limits(micros=100_000)).ask(Ask("ideator", "", "q"))
    assert reply.answered
    assert 1024 <= api.requests[0]["max_tokens"] < 5000
    assert book.spent("c1").micros <= 100_000


def test_calls_in_flight_count(book: Book) -> None:
    limits = Limits(micros=100)
    first = book.reserve("c1", "r", "m", "d", "{}", micros=60, tokens=1, seconds=1.0, limits=limits)
    with pytest.raises(OverBudget, match=r"of \$0.0001"):
        book.reserve("c1", "r", "m", "d", "{}", micros=60, tokens=1, seconds=1.0, limits=limits)
    book.settle(first, Ending.ANSWERED, micros=10, tokens=1, seconds=0.1, usage=Usage())
    book.settle(first, Ending.ANSWERED, micros=0, tokens=0, seconds=0.0, usage=Usage())
    assert book.spent("c1").micros == 10
    book.reserve("c1", "r", "m", "d", "{}", micros=60, tokens=1, seconds=1.0, limits=limits)
    book.reserve("c2", "r", "m", "d", "{}", micros=60, tokens=1, seconds=1.0, limits=limits)


def test_a_day_is_over_at_midnight(tmp_path: Path) -> None:
    at = ["2026-11-25T23:59:59Z"]
    with Book(tmp_path / "b", now=lambda: at[0]) as book:
        limits = Limits(micros_per_day=100)
        arguments = {"micros": 80, "tokens": 1, "seconds": 1.0, "limits": limits}
        book.reserve("c1", "r", "m", "d", "{}", **arguments)  # type: ignore[arg-type]
        with pytest.raises(OverBudget, match="today"):
            book.reserve("c2", "r", "m", "d", "{}", **arguments)  # type: ignore[arg-type]
        at[0] = "2026-11-26T00:00:00Z"
        book.reserve("c2", "r", "m", "d", "{}", **arguments)  # type: ignore[arg-type]


def test_the_wall_of_a_campaign_ends_asking(book: Book, client: Callable[..., Client]) -> None:
    call = book.reserve("c1", "r", "m", "d", "{}", micros=0, tokens=0, seconds=9.0, limits=Limits())
    book.settle(call, Ending.TIMED_OUT, micros=0, tokens=0, seconds=9.0, usage=Usage())
    reply = client("http://127.0.0.1:9", limits=Limits(seconds=9.0)).ask(Ask("r", "", "q"))
    assert reply.ending is Ending.BUDGET_SPENT and "9 s of 9 s" in reply.why


def test_two_faces_at_once_do_not_spend_the_same_dollar(fake: ModuleType, tmp_path: Path) -> None:
    """Two clients with books of their own on one file, eight questions each."""
    limits = Limits(micros=500_000)
    endings: list[Ending] = []

    def face(url: str, name: str) -> None:
        with Book(tmp_path / "b") as own:
            asked = Client(
                own, "c1", ModelSettings(call_seconds=30.0), Address(url, "k"), limits, Redactor({})
            )
            for number in range(8):
                endings.append(asked.ask(Ask("ideator", "", f"{name} {number}")).ending)

    with fake.MessagesApi([fake.Answer("x" * 40_000, pause=0.05)]) as api:
        faces = [threading.Thread(target=face, args=(api.url, n)) for n in ("a", "b")]
        for thread in faces:
            thread.start()
        for thread in faces:
            thread.join(timeout=60)
    billed = Usage(fresh=api.prompt_tokens, output=api.output_tokens)
    assert PRICES["claude-opus-5-5"].micro_dollars(billed) <= 500_000
    assert Ending.BUDGET_SPENT in endings and Ending.ANSWERED in endings and len(endings) == 16
    with Book(tmp_path / "b") as book:
        assert book.spent("c1").micros <= 500_000 and book.spent("c1").in_flight == 0


def _reserve_and_die(path: Path) -> None:
    import os

    book = Book(path)
    book.reserve("c1", "r", "m", "d", "{}", micros=70, tokens=9, seconds=1.0, limits=Limits())
    os._exit(1)


def test_a_call_whose_process_was_killed_counts_in_full(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(
        target=_reserve_and_die, args=(tmp_path / "b",)
    )
    process.start()
    process.join(timeout=30)
    with Book(tmp_path / "b") as book:
        assert book.spent("c1").micros == 70 and book.spent("c1").in_flight == 1
