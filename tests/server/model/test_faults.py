"""Every fault of a server ends in its typed outcome, inside the wall and inside the budget."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType

import pytest
from tests.server.model.conftest import KEY

from autosota.agents.asking import Ask, Ending
from autosota.server.model.book import Book, Limits
from autosota.server.model.client import Client

ENDINGS = {
    "429-long": (Ending.RATE_LIMITED, 1),
    "500": (Ending.SERVER_ERROR, None),
    "529": (Ending.OVERLOADED, None),
    "401": (Ending.KEY_REFUSED, 1),
    "402": (Ending.NO_CREDIT, 1),
    "404": (Ending.NO_SUCH_MODEL, 1),
    "400": (Ending.BAD_REQUEST, 1),
    "413": (Ending.TOO_LARGE, 1),
    "reset": (Ending.CONNECTION_LOST, 2),
    "reset-in-stream": (Ending.CONNECTION_LOST, 2),
    "closed-in-stream": (Ending.CONNECTION_LOST, 2),
    "overloaded-in-stream": (Ending.OVERLOADED, 2),
    "slow": (Ending.TIMED_OUT, 1),
    "pings": (Ending.TIMED_OUT, 1),
    "silent": (Ending.TIMED_OUT, None),
    "silent-in-stream": (Ending.TIMED_OUT, None),
    "truncated-json": (Ending.GARBLED, 2),
    "html": (Ending.NO_MESSAGES_API, 1),
    "html-500": (Ending.SERVER_ERROR, None),
    "redirect": (Ending.NO_MESSAGES_API, 1),
    "no-text": (Ending.INVALID, 1),
}


@pytest.mark.parametrize("fault", ENDINGS)
def test_a_fault_has_its_ending(
    fault: str, fake: ModuleType, client: Callable[..., Client], book: Book
) -> None:
    ending, requests = ENDINGS[fault]
    with fake.MessagesApi([fault]) as api:
        asked = client(api.url, call_seconds=4.0)
        import anthropic  # noqa: F401 - imported once, so that the wall below is the question's

        began = time.monotonic()
        reply = asked.ask(Ask("ideator", "be short", "what now?"))
        took = time.monotonic() - began
    assert reply.ending is ending, reply.why
    assert took < 4.0 + 2.0
    if requests is not None:
        assert len(api.requests) == requests
    assert reply.why and "\n" not in reply.why and KEY not in reply.why
    spent = book.spent("c1")
    assert spent.in_flight == 0 and spent.micros <= 5_000_000
    free = {"429-long", "500", "529", "401", "402", "404", "400", "413", "html-500", "redirect"}
    assert (spent.micros == 0) is (fault in free)
    assert KEY.encode() not in book.path.read_bytes()


def test_a_fault_that_passes_is_tried_again(
    fake: ModuleType, client: Callable[..., Client], book: Book
) -> None:
    with fake.MessagesApi(["529", "reset-in-stream", fake.Answer("here it is")]) as api:
        reply = client(api.url, call_seconds=20.0).ask(Ask("ideator", "", "q"))
    assert reply.answered and reply.text == "here it is"
    assert [e.ending for e in book.entries("c1")] == ["overloaded", "connection_lost", "answered"]


def test_a_short_retry_after_is_kept_and_a_long_one_is_not_waited_for(
    fake: ModuleType, client: Callable[..., Client]
) -> None:
    with fake.MessagesApi(["429", fake.Answer("ok")]) as api:
        began = time.monotonic()
        assert client(api.url, call_seconds=20.0).ask(Ask("ideator", "", "q")).answered
        assert time.monotonic() - began >= 1.0
    assert len(api.requests) == 2


@pytest.mark.parametrize(
    ("stop", "ending"),
    [
        ("max_tokens", Ending.CUT),
        ("refusal", Ending.REFUSED),
        ("model_context_window_exceeded", Ending.TOO_LARGE),
        ("pause_turn", Ending.STOPPED_EARLY),
        ("something_new", Ending.STOPPED_EARLY),
    ],
)
def test_only_a_whole_answer_is_one(
    stop: str, ending: Ending, fake: ModuleType, client: Callable[..., Client]
) -> None:
    with fake.MessagesApi([fake.Answer("half of", stop=stop)]) as api:
        reply = client(api.url).ask(Ask("ideator", "", "q"))
    assert reply.ending is ending and not reply.text


def test_nobody_listens(client: Callable[..., Client], book: Book) -> None:
    reply = client("http://127.0.0.1:9", call_seconds=3.0).ask(Ask("ideator", "", "q"))
    assert reply.ending is Ending.UNREACHABLE and "127.0.0.1:9" in reply.why
    assert book.spent("c1").micros == 0


def test_cancelling_closes_the_connection_and_later_asks_end_at_once(
    fake: ModuleType, client: Callable[..., Client], book: Book
) -> None:
    import threading

    with fake.MessagesApi(["slow"]) as api:
        asked = client(api.url, call_seconds=60.0)
        replies = []
        thread = threading.Thread(target=lambda: replies.append(asked.ask(Ask("ideator", "", "q"))))
        thread.start()
        assert fake.wait_until(lambda: len(api.requests) == 1, 20.0)
        began = time.monotonic()
        asked.cancel()
        thread.join(timeout=5)
        assert not thread.is_alive() and time.monotonic() - began < 2.0
        assert replies[0].ending is Ending.CANCELLED
        assert fake.wait_until(lambda: api.aborted > 0), "the server still writes"
        assert asked.ask(Ask("ideator", "", "q")).ending is Ending.CANCELLED
    assert len(api.requests) == 1
    assert book.spent("c1").in_flight == 0 and book.spent("c1").micros > 0


def test_an_endless_answer_is_cut_off(
    fake: ModuleType, client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autosota.server.model.wire.MOST_CHARACTERS", 50_000)
    with fake.MessagesApi([fake.Answer("x" * 200_000)]) as api:
        assert client(api.url).ask(Ask("ideator", "", "q")).ending is Ending.GARBLED


def test_a_question_that_is_far_too_large_is_not_sent(
    fake: ModuleType, client: Callable[..., Client]
) -> None:
    with fake.MessagesApi([fake.Answer("ok")]) as api:
        reply = client(api.url, limits=Limits()).ask(Ask("ideator", "", "x" * 5_000_000))
    assert reply.ending is Ending.TOO_LARGE and not api.requests
