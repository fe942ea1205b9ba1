"""The shape of a model's answer: ideas, each with the edits that carry it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class EditAnswer:
    """One change of one symbol.

    Attributes:
        path: The file, as it was shown.
        symbol: The function or class, as it was shown; empty for code outside of both.
        base: The mark that was shown beside it: the change is to exactly that text.
        find: Empty to write the whole symbol anew; else text that occurs in it once.
        code: The new symbol, or what takes the place of `find`.
    """

    path: str
    symbol: str
    base: str
    find: str
    code: str


@dataclass(frozen=True, slots=True)
class IdeaAnswer:
    """One hypothesis.

    Attributes:
        title: What is done, in a few words.
        granularity: A number, code of one block, or the algorithm.
        reason: Why it should help this code.
        evidence: Who found that before, and where; empty when nobody is known.
        expected: What it should do to the metric.
        risk: That it makes things worse.
        priority: How soon it is worth a run.
        assumptions: What must be true for it.
        family: One word for what is turned, such as `optimizer`.
        cost: How long a run takes, relative to now.
        imports: Import lines that the edits need in their files.
        edits: The change.
    """

    title: str
    granularity: Literal["PARAM", "CODE", "ALGO"]
    reason: str
    evidence: str
    expected: str
    risk: Literal["LOW", "MEDIUM", "HIGH"]
    priority: Literal["LOW", "MEDIUM", "HIGH"]
    assumptions: list[str]
    family: str
    cost: float
    imports: list[str]
    edits: list[EditAnswer]


@dataclass(frozen=True, slots=True)
class IdeasAnswer:
    """The whole answer."""

    ideas: list[IdeaAnswer]
