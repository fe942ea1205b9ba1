"""What our commands answer and our notifications hold: the types that clients are generated from.

Values that are the same in every face are the server's (`editor.view`, `editor.board`); here is
what only this protocol says. Read by the generator, by tests and by `commands`.
"""

from __future__ import annotations

from typing import Any

import attrs

from autosota.lsp import protocol as p
from autosota.server.editor import board, view


@attrs.frozen
class Stopped:
    """The campaign was stopped, and nothing below it is left."""

    stopped: bool
    status: view.Progress | None = None


@attrs.frozen
class SetUp:
    """An objective was proposed: the file, and what was said of it."""

    path: str
    said: str


@attrs.frozen
class ReportWritten:
    """The report was written: what was said, and the path of its HTML file."""

    said: str
    path: str


@attrs.frozen
class LibraryIdea:
    """An idea as `autosota ideas --json` gives it; `patch` is None when it has none."""

    id: str
    title: str
    granularity: str
    path: str
    line: int
    symbol: str
    paper: str
    reason: str
    fate: str
    why: str
    patch: str | None
    difference: float | None
    interval: tuple[float, float] | None
    pairs: int
    family: str
    cost: float


@attrs.frozen
class IdeaHere:
    """An idea of an open file, with its badge and everything about it as Markdown."""

    id: str
    title: str
    granularity: str
    paper: str
    expected: str
    reason: str
    risk: str
    cost: float
    line: int
    end_line: int
    symbol: str
    header: int
    assumptions: tuple[str, ...]
    tried: view.Tried | None
    badge: str
    text: str


@attrs.frozen
class Lines:
    """Lines about an idea, a patch, a receipt or a campaign, and its diff (`''`: none)."""

    lines: tuple[str, ...]
    diff: str


@attrs.frozen
class PatchApplied:
    """A patch is in the files on disk; `standing` says whether it is confirmed."""

    patch: str
    files: tuple[str, ...]
    confirmed: bool
    standing: str
    notes: tuple[str, ...]


@attrs.frozen
class Refused:
    """The idea that was refused."""

    id: str


@attrs.frozen
class Suppressed:
    """Whether the editor took the change."""

    applied: bool


@attrs.frozen
class ReadAgain:
    """Whether the documents are what was drafted."""

    as_drafted: bool


ANSWERS: dict[str, Any] = {
    "autosota.start": p.JobStarted,
    "autosota.resume": p.JobStarted,
    "autosota.stop": Stopped,
    "autosota.status": view.Progress,
    "autosota.setAutonomy": view.Progress,
    "autosota.setUp": SetUp,
    "autosota.ideas": tuple[LibraryIdea, ...],
    "autosota.showIdeas": tuple[IdeaHere, ...],
    "autosota.show": Lines,
    "autosota.apply": PatchApplied,
    "autosota.reject": Refused,
    "autosota.report": ReportWritten,
    "autosota.suppress": Suppressed,
    "autosota.ideaApplied": ReadAgain,
    "autosota.board": board.Board,
    "autosota.log": board.LogPart,
    "autosota.series": board.Series,
    "autosota.patch": board.PatchText,
    "autosota.receipt": board.ReceiptText,
}
"""What each command answers."""

NOTIFICATIONS: dict[str, Any] = {
    p.STATUS: view.Progress,
    p.INDEXED: view.Indexed,
    p.JOB: p.JobEnded,
}
"""What each notification holds."""
