"""What an agent asks of a language model, and what it may hear: plain data.

An `Ask` names a role, never a model; which model plays a role, what it costs and whether it may be
asked at all is the server's to decide. How a request looks on the wire is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Ending(StrEnum):
    """How an ask ended. Everything but `ANSWERED` leaves the agent to its own rules."""

    ANSWERED = "answered"
    OFFLINE = "offline"
    NO_KEY = "no_key"
    NO_BUDGET = "no_budget"
    BUDGET_SPENT = "budget_spent"
    PRICE_UNKNOWN = "price_unknown"
    KEY_REFUSED = "key_refused"
    NO_CREDIT = "no_credit"
    NO_SUCH_MODEL = "no_such_model"
    BAD_REQUEST = "bad_request"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    UNREACHABLE = "unreachable"
    CONNECTION_LOST = "connection_lost"
    TIMED_OUT = "timed_out"
    NO_MESSAGES_API = "no_messages_api"
    GARBLED = "garbled"
    CUT = "cut"
    REFUSED = "refused"
    STOPPED_EARLY = "stopped_early"
    INVALID = "invalid"
    TOOL_LOOP = "tool_loop"
    CANCELLED = "cancelled"
    NOT_RECORDED = "not_recorded"


class ToolRefused(Exception):
    """A tool will not do what was asked; the text is for the model, in one line."""


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that the model may look up while it answers. It only reads.

    `schema` is the JSON schema of the arguments; `run` gives the text that the model sees.

    Attributes:
        name: As the model calls it.
        description: What it gives, for the model.
        schema: Of its arguments, an object.
        run: Looks it up; raises `ToolRefused`.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    run: Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to a role.

    Attributes:
        role: Who is asked, such as `ideator` or `reviewer`.
        instructions: What holds for every question of the role; first, so that it is cached.
        material: What the question is about, from the most stable to the least; cached, too.
        question: What is asked now.
        answer: A dataclass that the answer must fit; None takes any text.
        tools: What may be looked up meanwhile.
        most_output: The most tokens of the answer, thinking included.
        fresh: Ask again although the same question was answered before.
    """

    role: str
    instructions: str
    question: str
    material: tuple[str, ...] = ()
    answer: type[Any] | None = None
    tools: tuple[Tool, ...] = ()
    most_output: int = 16_000
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of an ask.

    Attributes:
        ending: How it ended.
        text: The model's text; empty unless it answered.
        value: The answer as the dataclass that was asked for.
        why: One line for people, when it did not answer.
        model: Which model answered.
        replayed: It was answered before, and nothing was spent now.
        looked_up: The tools that ran, in order.
    """

    ending: Ending
    text: str = ""
    value: Any = None
    why: str = ""
    model: str = ""
    replayed: bool = False
    looked_up: tuple[str, ...] = field(default=())

    @property
    def answered(self) -> bool:
        """True when there is an answer to work with."""
        return self.ending is Ending.ANSWERED
