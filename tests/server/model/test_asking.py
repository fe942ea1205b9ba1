"""Shapes and their repair, tools and their gate, older servers, the journal and its replay."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.server.model.conftest import KEY

from autosota.agents.asking import Ask, Ending, Tool, ToolRefused
from autosota.server.config.model import ModelSettings
from autosota.server.model.book import Book, Limits
from autosota.server.model.client import Client
from autosota.server.model.redact import Redactor
from autosota.server.model.silent import Replay


@dataclass(frozen=True, slots=True)
class Idea:
    title: str
    gain: float


@dataclass(frozen=True, slots=True)
class Ideas:
    ideas: list[Idea]


GOOD = json.dumps({"ideas": [{"title": "wider", "gain": 0.1}]})
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}


def look(seen: list[str]) -> Tool:
    def run(arguments: Any) -> str:
        seen.append(arguments["path"])
        if arguments["path"].startswith("labels/"):
            raise ToolRefused("labels are not shown")
        return "def f(): pass"

    return Tool("look", "Look at a file.", SCHEMA, run)


def test_a_shape_is_asked_for_and_read(fake: ModuleType, client: Callable[..., Client]) -> None:
    with fake.MessagesApi([fake.Answer(GOOD)]) as api:
        reply = client(api.url).ask(Ask("ideator", "", "q", answer=Ideas))
    assert reply.value == Ideas([Idea("wider", 0.1)])
    sent = api.requests[0]["output_config"]["format"]["schema"]
    assert sent["additionalProperties"] is False and sent["required"] == ["ideas"]


@pytest.mark.parametrize("bad", ["no JSON", '{"ideas": [{"title": 3}]}', '{"ideas": [', ""])
def test_a_wrong_shape_is_repaired_once(
    bad: str, fake: ModuleType, client: Callable[..., Client]
) -> None:
    with fake.MessagesApi([fake.Answer(bad), fake.Answer(f"```json\n{GOOD}\n```")]) as api:
        reply = client(api.url).ask(Ask("ideator", "", "q", answer=Ideas))
    assert reply.value == Ideas([Idea("wider", 0.1)]) and len(api.requests) == 2
    again = api.requests[1]["messages"]
    assert "does not fit" in again[-1]["content"][0]["text"]
    assert all(turn["content"] for turn in again)
    with fake.MessagesApi([fake.Answer(bad)]) as api:
        reply = client(api.url, campaign="c2").ask(Ask("ideator", "", "q", answer=Ideas))
    assert reply.ending is Ending.INVALID and len(api.requests) == 2


def test_an_older_server_gets_the_shape_in_words(
    fake: ModuleType, client: Callable[..., Client]
) -> None:
    with fake.MessagesApi([fake.Answer(GOOD)], refuse_formats=True) as api:
        reply = client(api.url).ask(Ask("ideator", "", "q", answer=Ideas))
    assert reply.value == Ideas([Idea("wider", 0.1)])
    assert "output_config" not in api.requests[1]
    assert '"ideas"' in api.requests[1]["messages"][0]["content"][-1]["text"]


def test_a_tool_is_run_and_its_result_goes_back(
    fake: ModuleType, client: Callable[..., Client]
) -> None:
    seen: list[str] = []
    script = [fake.Answer("", [("look", {"path": "a.py"})]), fake.Answer("seen")]
    with fake.MessagesApi(script) as api:
        reply = client(api.url).ask(Ask("ideator", "", "q", tools=(look(seen),)))
    assert reply.text == "seen" and seen == ["a.py"] and reply.looked_up == ("look",)
    result = api.requests[1]["messages"][-1]["content"][0]
    assert result["content"] == "def f(): pass" and result["is_error"] is False


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("delete", {"path": "a"}, "no tool of this name"),
        ("look", {"path": 3}, "must be a string"),
        ("look", {}, "missing"),
        ("look", {"path": "a", "force": True}, "no argument 'force'"),
        ("look", ["a"], "no JSON object"),
        ("look", {"path": "labels/test.csv"}, "labels are not shown"),
    ],
)
def test_the_gate_comes_before_the_tool(
    name: str, arguments: Any, said: str, fake: ModuleType, client: Callable[..., Client]
) -> None:
    seen: list[str] = []
    script = [fake.Answer("", [(name, arguments)]), fake.Answer("well")]
    with fake.MessagesApi(script) as api:
        reply = client(api.url).ask(Ask("ideator", "", "q", tools=(look(seen),)))
    assert reply.text == "well" and reply.looked_up == ()
    assert seen == [] or seen == ["labels/test.csv"]
    result = api.requests[1]["messages"][-1]["content"][0]
    assert said in result["content"] and result["is_error"] is True


def test_a_broken_tool_call_is_never_run(fake: ModuleType, client: Callable[..., Client]) -> None:
    seen: list[str] = []
    with fake.MessagesApi(["broken-tool"]) as api:
        reply = client(api.url).ask(Ask("ideator", "", "q", tools=(look(seen),)))
    assert reply.ending is Ending.TOOL_LOOP and seen == [] and len(api.requests) <= 3


def test_a_model_that_loops_on_one_tool_is_ended(
    fake: ModuleType, client: Callable[..., Client]
) -> None:
    seen: list[str] = []
    with fake.MessagesApi([fake.Answer("", [("look", {"path": "a.py"})])]) as api:
        reply = client(api.url).ask(Ask("ideator", "", "q", tools=(look(seen),)))
    assert reply.ending is Ending.TOOL_LOOP and len(seen) == 2 and len(api.requests) == 3


def test_a_model_that_never_answers_is_ended(
    fake: ModuleType, client: Callable[..., Client]
) -> None:
    count = iter(range(1000))
    seen: list[str] = []

    def more(_body: dict[str, Any]) -> Any:
        return fake.Answer("", [("look", {"path": f"{next(count)}.py"})])

    with fake.MessagesApi([more]) as api:
        asked = client(api.url, call_seconds=60.0)
        reply = asked.ask(Ask("ideator", "", "q", tools=(look(seen),)))
    assert reply.ending is Ending.TOOL_LOOP and len(api.requests) <= 14


def test_a_cut_answer_runs_none_of_its_tools(
    fake: ModuleType, client: Callable[..., Client]
) -> None:
    seen: list[str] = []
    cut = fake.Answer("", [("look", {"path": "a.py"})], stop="max_tokens")
    with fake.MessagesApi([cut]) as api:
        reply = client(api.url).ask(Ask("ideator", "", "q", tools=(look(seen),)))
    assert reply.ending is Ending.CUT and seen == [] and len(api.requests) == 1


@pytest.mark.parametrize("way", ["refuse_tools", "ignore_tools"])
def test_a_server_without_tools_is_asked_in_words(
    way: str, fake: ModuleType, client: Callable[..., Client]
) -> None:
    seen: list[str] = []
    written = fake.Answer('{"tool": "look", "arguments": {"path": "a.py"}}')
    probe = fake.Answer("yes")
    with fake.MessagesApi([probe, written, fake.Answer(GOOD)], **{way: True}) as api:
        asked = client(api.url, local=True, limits=Limits(tokens=500_000))
        reply = asked.ask(Ask("ideator", "", "q", answer=Ideas, tools=(look(seen),)))
    assert reply.value == Ideas([Idea("wider", 0.1)]) and seen == ["a.py"]
    assert "tools" in api.requests[0] and "tools" not in api.requests[1]
    assert api.headers[0]["x-api-key"] == KEY
    assert api.headers[0]["anthropic-version"] == "2023-06-01"


def test_what_is_stable_comes_first_and_is_marked_for_the_cache(
    fake: ModuleType, client: Callable[..., Client]
) -> None:
    with fake.MessagesApi([fake.Answer("a"), fake.Answer("b")]) as api:
        asked = client(api.url)
        for question in ("one", "two"):
            asked.ask(Ask("ideator", "rules", question, material=("code", "paper", "results")))
    first, second = (request["messages"][0]["content"] for request in api.requests)
    assert first[:-1] == second[:-1] and first[-1] != second[-1]
    marked = ["cache_control" in part for part in first]
    assert marked == [False, True, True, False]
    assert "cache_control" in api.requests[0]["system"][0]


def test_the_same_question_is_not_paid_twice_in_a_campaign(
    fake: ModuleType, client: Callable[..., Client]
) -> None:
    ask = Ask("ideator", "", "q", answer=Ideas)
    with fake.MessagesApi([fake.Answer(GOOD)]) as api:
        first, second = client(api.url).ask(ask), client(api.url).ask(ask)
        assert (first.replayed, second.replayed) == (False, True)
        assert first.value == second.value and len(api.requests) == 1
        assert not client(api.url, campaign="c2").ask(ask).replayed
        assert not client(api.url).ask(Ask("ideator", "", "q", answer=Ideas, fresh=True)).replayed
    assert len(api.requests) == 3


def test_the_journal_replays_exactly_and_sends_nothing(
    fake: ModuleType, client: Callable[..., Client], book: Book
) -> None:
    seen: list[str] = []
    asks = [
        Ask("ideator", "", "q", answer=Ideas, tools=(look(seen),)),
        Ask("reviewer", "", "r"),
    ]
    script = [
        fake.Answer("", [("look", {"path": "a.py"})]),
        fake.Answer("not JSON"),
        fake.Answer(GOOD),
        fake.Answer("fine"),
    ]
    with fake.MessagesApi(script) as api:
        before = [client(api.url).ask(ask) for ask in asks]
    spent = book.spent("c1")
    again = Replay(book, ModelSettings(), Redactor({}))
    after = [again.ask(ask) for ask in asks]
    assert [(r.ending, r.text, r.value) for r in after] == [
        (r.ending, r.text, r.value) for r in before
    ]
    assert book.spent("c1") == spent
    assert again.ask(Ask("ideator", "", "something else")).ending is Ending.NOT_RECORDED
    assert again.ask(asks[1]).ending is Ending.NOT_RECORDED


def test_secrets_and_homes_are_neither_sent_nor_stored(
    fake: ModuleType, client: Callable[..., Client], book: Book, tmp_path: Path
) -> None:
    token = "hf_" + "a1B2" * 8
    code = f"TOKEN = '{token}'\nROOT = '/home/somebody/repo'\nKEY = '{KEY}'\n# /home/somebody-else"
    with fake.MessagesApi([fake.Answer(f"use {KEY}, {token}")]) as api:
        assert client(api.url).ask(Ask("ideator", "", "q", material=(code,))).answered
    sent = api.requests[0]["messages"][0]["content"][0]["text"]
    assert "ROOT = '~/repo'" in sent and "/home/somebody-else" in sent
    stored = b"".join(p.read_bytes() for p in book.path.parent.iterdir())
    for secret in (token, KEY):
        assert secret not in json.dumps(api.requests) and secret.encode() not in stored
    assert book.path.stat().st_mode & 0o077 == 0
