"""Asks a model: within the budget, written down, retried within a wall, and ended with a reason.

Every request passes `_send_once`, the only way to the wire: it reserves what the request can cost
before it is sent and settles it after. An answer that the campaign got before to the very same
request is taken from the book, so a driver that was killed pays nothing twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import threading
import time
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from autosota.agents.asking import Ask, Ending, Reply
from autosota.server.config.model import ModelSettings
from autosota.server.model.book import Book, Limits, OverBudget
from autosota.server.model.prices import FREE, Price, Usage, price_of
from autosota.server.model.redact import Redactor
from autosota.server.model.retry import wait_before_next
from autosota.server.model.shapes import Misshapen, json_in, read_as, schema_of
from autosota.server.model.tools import MOST_ROUNDS, Gate, ToolLoop
from autosota.server.model.wire import (
    SILENCE_SECONDS,
    Address,
    Billed,
    CallFailed,
    Heard,
    arguments_of,
    send,
)

OVERHEAD_TOKENS = 2000
"""What a server may add to a prompt: tools and formats have instructions of their own."""

LEAST_OUTPUT = 1024
"""An answer of fewer tokens is of no use: rather than ask for one, the budget is spent."""

MOST_PROMPT_BYTES = 600_000
"""No request is larger; what is shown of a repository is chosen to be far below."""

_STOPS = {
    "max_tokens": (Ending.CUT, "the answer was cut at its limit of tokens (model.output)"),
    "refusal": (Ending.REFUSED, "the model declined to answer"),
    "model_context_window_exceeded": (Ending.TOO_LARGE, "the question is too long for the model"),
}


class Over(Exception):
    """The question is over, without an answer."""

    def __init__(self, ending: Ending, why: str) -> None:
        super().__init__(why)
        self.ending, self.why = ending, why


@dataclass(slots=True)
class Said:
    """A whole answer, from the wire or from the book."""

    content: list[dict[str, Any]]
    stop: str
    model: str
    replayed: bool
    broken: tuple[str, ...] = ()

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Said:
        """An answer of the book."""
        broken = tuple(entry.get("broken", ()))
        return cls(entry["content"], entry["stop"], entry.get("model", ""), True, broken)

    @property
    def text(self) -> str:
        """Its text, without thinking and tools."""
        return "".join(str(b.get("text", "")) for b in self.content if b.get("type") == "text")


class Client:
    """A model that may propose, for one campaign ('' for none). Asks one question at a time.

    Args:
        book: where every call is reserved and written down.
        campaign: whose budget it is.
        settings: which model plays which role, and how long it may take.
        address: where requests go; None sends none.
        limits: what the campaign and the day may cost; None is no limit.
        redactor: takes secrets out of what is sent and stored.
        local: the server is on this machine, and costs nothing.
        silence: the longest pause of a server, in seconds.
    """

    def __init__(
        self,
        book: Book,
        campaign: str,
        settings: ModelSettings,
        address: Address | None,
        limits: Limits | None,
        redactor: Redactor,
        *,
        local: bool = False,
        silence: float = SILENCE_SECONDS,
    ) -> None:
        self._book, self._campaign, self._settings = book, campaign, settings
        self._address, self._redactor = address, redactor
        self._limits = limits or Limits()
        self._local = local
        self._silence = silence
        self._formats = not local
        self._tools: bool | None = None if local else True
        self._guard = threading.Lock()
        self._asking = threading.Lock()
        self._cancelled = False
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None

    def ask(self, ask: Ask) -> Reply:
        """Ask a role; every failure is a reply that says which. Not from inside an event loop."""
        model = self._settings.model_of(ask.role)
        import anthropic  # noqa: F401 - it takes seconds, which are not the question's

        with self._asking:
            wall = self._wall()
            deadline = time.monotonic() + wall
            gate = Gate(ask.tools)
            try:
                text, value, replayed = self._converse(ask, model, deadline, gate)
            except Over as over:
                why = self._redactor.text(over.why)
                return Reply(over.ending, why=why, model=model, looked_up=tuple(gate.used))
        return Reply(
            Ending.ANSWERED,
            text,
            value,
            model=model,
            replayed=replayed,
            looked_up=tuple(gate.used),
        )

    def cancel(self) -> None:
        """End what is asked now, and what would be asked later; from any thread."""
        with self._guard:
            self._cancelled = True
            running = self._running
        if running is not None:
            loop, task = running
            with suppress(RuntimeError):  # the loop is closed: the question ended by itself
                loop.call_soon_threadsafe(task.cancel)

    # ------------------------------------------------------------------ a conversation

    def _converse(self, ask: Ask, model: str, deadline: float, gate: Gate) -> tuple[str, Any, bool]:
        """Rounds of tools, an answer, and one repair of it if it does not fit."""
        if ask.tools and self._tools is None:
            self._tools = self._probe(model, deadline)
        written = bool(ask.tools) and not self._tools
        body = self._body(ask, model, written=written)
        repaired = False
        replayed = True
        for _ in range(MOST_ROUNDS + 2):
            said = self._request(ask, body, deadline)
            replayed = replayed and said.replayed
            calls = self._calls(said, written=written)
            if calls:
                if len(gate.used) and _ >= MOST_ROUNDS:
                    break
                body = self._after_tools(body, said, calls, gate, written=written)
                continue
            _check_stop(said)
            if ask.answer is None:
                if not said.text.strip():
                    raise Over(Ending.INVALID, "the model answered with nothing")
                return said.text, None, replayed
            try:
                return said.text, read_as(said.text, ask.answer), replayed
            except Misshapen as problem:
                if repaired:
                    why = f"the model's answer has not the shape that was asked for: {problem}"
                    raise Over(Ending.INVALID, why) from None
                repaired = True
                body = _asked_again(body, said, str(problem))
        raise Over(Ending.TOOL_LOOP, f"no answer after {MOST_ROUNDS} rounds of tools")

    def _body(self, ask: Ask, model: str, *, written: bool) -> dict[str, Any]:
        """The first request: what is stable comes first, with marks for the cache."""
        instructions = ask.instructions
        question = ask.question
        if written:
            instructions += "\n\n" + _tool_words(ask)
        schema = schema_of(ask.answer) if ask.answer is not None else None
        if schema is not None and not self._formats:
            question += (
                "\n\nAnswer with one JSON object and nothing else. It must fit this JSON schema:\n"
                + json.dumps(schema, ensure_ascii=False)
            )
        content = [{"type": "text", "text": part} for part in ask.material if part]
        for part in content[-2:]:
            part["cache_control"] = {"type": "ephemeral"}  # type: ignore[assignment]
        body: dict[str, Any] = {
            "model": model,
            "system": [
                {
                    "type": "text",
                    "text": instructions,
                    "cache_control": {"type": "ephemeral"},
                }
            ],
            "messages": [
                {"role": "user", "content": [*content, {"type": "text", "text": question}]}
            ],
        }
        if ask.tools and not written:
            body["tools"] = [
                {
                    "name": tool.name,
                    "description": tool.description,
                    "input_schema": dict(tool.schema),
                }
                for tool in ask.tools
            ]
        if schema is not None and self._formats:
            body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        return body

    @staticmethod
    def _calls(said: Said, *, written: bool) -> list[dict[str, Any]]:
        """The tools that an answer asks for; none unless it is whole."""
        if not written:
            if said.stop != "tool_use":
                return []
            calls = [block for block in said.content if block.get("type") == "tool_use"]
            return [{**c, "input": None} if c["id"] in said.broken else c for c in calls]
        if said.stop not in ("end_turn", "stop_sequence"):
            return []
        try:
            value = json_in(said.text)
        except Misshapen:
            return []
        if not isinstance(value, dict) or not isinstance(value.get("tool"), str):
            return []
        return [{"name": value["tool"], "input": value.get("arguments", {})}]

    @staticmethod
    def _after_tools(
        body: dict[str, Any],
        said: Said,
        calls: list[dict[str, Any]],
        gate: Gate,
        *,
        written: bool,
    ) -> dict[str, Any]:
        results: list[dict[str, Any]] = []
        for call in calls:
            arguments = call.get("input")
            try:
                text, refused = gate.run(
                    str(call.get("name", "")), arguments if isinstance(arguments, dict) else None
                )
            except ToolLoop as loop:
                raise Over(Ending.TOOL_LOOP, str(loop)) from None
            if written:
                results.append({"type": "text", "text": f"Result of {call['name']}:\n{text}"})
            else:
                results.append(
                    {
                        "type": "tool_result",
                        "tool_use_id": call.get("id", ""),
                        "content": text,
                        "is_error": refused,
                    }
                )
        turns = [
            {"role": "assistant", "content": said.content},
            {"role": "user", "content": results},
        ]
        return {**body, "messages": [*body["messages"], *turns]}

    def _probe(self, model: str, deadline: float) -> bool:
        """Whether this server knows tools: a small question that needs one."""
        tool = {
            "name": "answer",
            "description": "Give the answer.",
            "input_schema": {
                "type": "object",
                "properties": {"word": {"type": "string"}},
                "required": ["word"],
            },
        }
        body = {
            "model": model,
            "system": [{"type": "text", "text": "Use the tool."}],
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Say yes."}]}],
            "tools": [tool],
            "tool_choice": {"type": "any"},
        }
        small = Ask("probe", "", "", most_output=256)
        try:
            said = self._request(small, body, deadline)
        except Over as over:
            if over.ending in (Ending.BAD_REQUEST, Ending.SERVER_ERROR, Ending.GARBLED):
                return False
            raise
        return any(block.get("type") == "tool_use" for block in said.content)

    # ------------------------------------------------------------------ a request

    def _request(self, ask: Ask, body: dict[str, Any], deadline: float) -> Said:
        """One answer to one request, from the book or by tries on the wire."""
        body = self._redactor.plain(body)
        text = json.dumps(body, sort_keys=True, ensure_ascii=True)
        if len(text) > MOST_PROMPT_BYTES:
            raise Over(Ending.TOO_LARGE, f"the question has {len(text)} bytes, which is too much")
        digest = hashlib.sha256(text.encode()).hexdigest()
        try:
            return self._answer(ask, body, digest, text, deadline)
        except CallFailed as failure:
            if failure.ending is Ending.BAD_REQUEST and "output_config" in body:
                # an older gateway: the shape goes into words instead
                self._formats = False
                schema = body.pop("output_config")["format"]["schema"]
                words = "Answer with one JSON object that fits this JSON schema:\n"
                told = {"type": "text", "text": words + json.dumps(schema)}
                body["messages"][0]["content"].append(told)
                return self._request(ask, body, deadline)
            raise Over(failure.ending, failure.why) from None

    def _answer(
        self, ask: Ask, body: Mapping[str, Any], digest: str, text: str, deadline: float
    ) -> Said:
        """What the campaign heard before to this request, or what the wire says."""
        known = [] if ask.fresh else self._book.answers(digest, self._campaign)
        if known:
            return Said.of(known[-1])
        return self._run(self._tries(ask, body, digest, text, deadline))

    @staticmethod
    def over(ending: Ending, why: str) -> Over:
        """The end of a question, for those who answer it in another way."""
        return Over(ending, why)

    def _run(self, work: Coroutine[Any, Any, Said]) -> Said:
        """Run a coroutine here, such that `cancel` ends it from any thread."""

        async def watched() -> Said:
            task = asyncio.current_task()
            assert task is not None
            with self._guard:
                if self._cancelled:
                    work.close()
                    raise Over(Ending.CANCELLED, "stopped")
                self._running = (asyncio.get_running_loop(), task)
            return await work

        try:
            return asyncio.run(watched())
        except asyncio.CancelledError:
            raise Over(Ending.CANCELLED, "stopped") from None
        finally:
            with self._guard:
                self._running = None

    async def _tries(
        self, ask: Ask, body: Mapping[str, Any], digest: str, text: str, deadline: float
    ) -> Said:
        tries = unknown = 0
        while True:
            tries += 1
            try:
                return await self._send_once(ask, body, digest, text, deadline)
            except CallFailed as failure:
                unknown += failure.billed is Billed.UNKNOWN
                left = deadline - time.monotonic()
                wait = wait_before_next(failure, tries, unknown, left, random.random())
                if wait is None:
                    if failure.again and tries > 1:
                        failure.why += f" (tried {tries} times)"
                    raise
            await asyncio.sleep(wait)

    async def _send_once(
        self, ask: Ask, body: Mapping[str, Any], digest: str, text: str, deadline: float
    ) -> Said:
        """The only way to the wire: reserve, send, settle."""
        price = self._price(str(body["model"]))
        prompt = len(text.encode()) + OVERHEAD_TOKENS
        output = self._affordable(price, prompt, min(ask.most_output, self._settings.most_output))
        micros = price.most(prompt, output) if price is not None else 0
        seconds = max(0.1, deadline - time.monotonic())
        try:
            call = self._book.reserve(
                self._campaign,
                ask.role,
                str(body["model"]),
                digest,
                text,
                micros=micros,
                tokens=prompt + output,
                seconds=seconds,
                limits=self._limits,
            )
        except OverBudget as over:
            raise Over(Ending.BUDGET_SPENT, str(over)) from None
        assert self._address is not None
        began = time.monotonic()
        ending, why, billed = Ending.CANCELLED, "", Billed.UNKNOWN
        heard: Heard | None = None
        answer: dict[str, Any] | None = None
        try:
            heard = await send(
                self._address,
                {**body, "max_tokens": output},
                seconds=seconds,
                silence=self._silence,
            )
            ending = Ending.ANSWERED
            broken = tuple(c.id for c in heard.calls if arguments_of(c) is None)
            content = heard.content()
            answer = {"content": content, "stop": heard.stop, "model": heard.model}
            answer |= {"broken": broken} if broken else {}
            return Said(content, heard.stop, heard.model, False, broken)
        except CallFailed as failure:
            ending, why, billed, heard = failure.ending, failure.why, failure.billed, failure.heard
            raise
        finally:
            usage = heard.usage if heard is not None else Usage()
            if ending is Ending.ANSWERED:
                cost = price.micro_dollars(usage) if price is not None else 0
                tokens = usage.total
            elif billed is Billed.NOTHING:
                cost = tokens = 0
            elif heard is not None and heard.started:
                whole = Usage(usage.fresh, usage.cache_read, usage.cache_write, output)
                cost = price.micro_dollars(whole) if price is not None else 0
                tokens = whole.total
            else:
                cost, tokens = micros, prompt + output
            self._book.settle(
                call,
                ending,
                micros=cost,
                tokens=tokens,
                seconds=time.monotonic() - began,
                usage=usage,
                why=self._redactor.text(why),
                answer=self._redactor.plain(answer) if answer is not None else None,
            )

    # ------------------------------------------------------------------ what is left

    def _price(self, model: str) -> Price | None:
        own = {
            name: Price(p.input, p.output, p.cache_write, p.cache_read, as_of=p.as_of)
            for name, p in self._settings.prices.items()
        }
        price = price_of(model, own) or (FREE if self._local else None)
        bounded = self._limits.micros is not None or self._limits.micros_per_day is not None
        if price is None and bounded:
            raise Over(
                Ending.PRICE_UNKNOWN,
                f"the price of {model} is not known, so a budget in dollars cannot be kept: name "
                f'one in [model.prices."{model}"], or set budget.tokens and no dollars',
            )
        return price

    def _affordable(self, price: Price | None, prompt: int, wanted: int) -> int:
        """How long the answer may be, so that its reservation fits what is left."""
        limits = self._limits
        spent, today = self._book.spent(self._campaign), self._book.spent_today()
        room = wanted
        for limit, used in ((limits.tokens, spent.tokens), (limits.tokens_per_day, today.tokens)):
            if limit is not None:
                room = min(room, limit - used - prompt)
        if price is not None and price.output > 0:
            for limit, used in (
                (limits.micros, spent.micros),
                (limits.micros_per_day, today.micros),
            ):
                if limit is not None:
                    left = limit - used - price.most(prompt, 0)
                    room = min(room, int(left / price.most(0, 1_000_000) * 1_000_000) - 1)
        return room if room >= LEAST_OUTPUT else wanted

    def _wall(self) -> float:
        wall = self._settings.call_seconds
        if self._limits.seconds is not None:
            wall = min(wall, self._limits.seconds - self._book.spent(self._campaign).seconds)
        return wall


def _check_stop(said: Said) -> None:
    """Pass an answer that is whole.

    Raises:
        Over: it is not.
    """
    if said.stop in ("end_turn", "stop_sequence"):
        return
    ending, why = _STOPS.get(
        said.stop, (Ending.STOPPED_EARLY, f"the answer stopped early ({said.stop[:40]})")
    )
    raise Over(ending, why)


def _asked_again(body: dict[str, Any], said: Said, problem: str) -> dict[str, Any]:
    """The request for a repair; an empty answer is not sent back."""
    content = said.content or [{"type": "text", "text": "(nothing)"}]
    words = f"That does not fit: {problem}. Answer again, with the whole JSON object only."
    turns = [
        {"role": "assistant", "content": content},
        {"role": "user", "content": [{"type": "text", "text": words}]},
    ]
    return {**body, "messages": [*body["messages"], *turns]}


def _tool_words(ask: Ask) -> str:
    """The tools in words, for a server that knows none."""
    lines = [
        'To look something up, answer with {"tool": NAME, "arguments": {…}} and nothing else; '
        "the result comes with the next message. There are:"
    ]
    lines += [f"- {t.name}: {t.description} Arguments: {json.dumps(t.schema)}" for t in ask.tools]
    return "\n".join(lines)
