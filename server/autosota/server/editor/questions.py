"""What the process behind an editor can be asked; plain values, answered by `worker`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BuildIndex:
    """Read on what imports what in a workspace; gives `Indexed`, to be asked until all is read."""

    root: str


@dataclass(frozen=True, slots=True)
class FilesChanged:
    """Files changed on disk (absolute paths); gives None."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to show of a file; gives a `View`. `texts` are open documents."""

    root: str
    path: str
    texts: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MakeDraft:
    """Carry an idea out in the text as it is; gives a `Draft`."""

    root: str
    path: str
    idea: str
    texts: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AskProgress:
    """How far the campaign is; gives `Progress`."""

    root: str


@dataclass(frozen=True, slots=True)
class Library:
    """Every idea of the newest campaign; gives a list of mappings, as `autosota ideas --json`."""

    root: str


@dataclass(frozen=True, slots=True)
class Show:
    """Lines and diff of an idea, a patch or a receipt; gives `Shown`."""

    root: str
    id: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse an idea with a reason; gives its id."""

    root: str
    id: str
    why: str


@dataclass(frozen=True, slots=True)
class Apply:
    """Bring a patch of the ledger into the files on disk; gives `Applied`."""

    root: str
    id: str


@dataclass(frozen=True, slots=True)
class SetAutonomy:
    """Switch what may happen unasked; gives `Progress`."""

    root: str
    mode: str


@dataclass(frozen=True, slots=True)
class AskBoard:
    """Everything the views list; gives `board.Board`. `campaign` of `''` is the newest."""

    root: str
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class ReadLog:
    """A stretch of a run's log; gives `board.LogPart`."""

    root: str
    run: str
    offset: int


@dataclass(frozen=True, slots=True)
class ReadSeries:
    """What a run reported on its way; gives `board.Series`."""

    root: str
    run: str


@dataclass(frozen=True, slots=True)
class ReadPatch:
    """Both sides of a patch; gives `board.PatchText`."""

    root: str
    id: str


@dataclass(frozen=True, slots=True)
class ReadReceipt:
    """A receipt to read; gives `board.ReceiptText`."""

    root: str
    id: str


Question = (
    BuildIndex
    | FilesChanged
    | Look
    | MakeDraft
    | AskProgress
    | Library
    | Show
    | Reject
    | Apply
    | SetAutonomy
    | AskBoard
    | ReadLog
    | ReadSeries
    | ReadPatch
    | ReadReceipt
)
