"""What the views of a face show of a workspace: goal, ideas, runs, campaigns, logs, patches.

Plain values that travel between processes and then, field by field, to the client. Numbers are
words here: a receipt holds each, and the claim is masked until it was read. How they are found
is `records`' business; how they look is the client's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from autosota.server.editor.view import Progress

NodeState = Literal["passed", "failed", "open", "capped"]
"""`capped`: it held, or could not be asked, in a way that limits what the verdict covers."""
Badge = Literal["", "provisional", "confirmed", "noise", "rejected", "failed", "refused"]
Audit = Literal["", "cleared", "needs_review", "rejected"]


@dataclass(frozen=True, slots=True)
class RubricNode:
    """One thing that the objective asks for, and how it stands.

    Attributes:
        id: Stable while the objective stays the same, such as `guard:params`.
        title: What is asked, in a few words.
        state: How it stands; `open` when nothing has decided it yet.
        detail: What decided it, or what it waits for.
        receipts: The runs behind it.
        children: What it is made of.
    """

    id: str
    title: str
    state: NodeState
    detail: str = ""
    receipts: tuple[str, ...] = ()
    children: tuple[RubricNode, ...] = ()


@dataclass(frozen=True, slots=True)
class IdeaRow:
    """An idea of the newest campaign, with what became of it.

    Attributes:
        id: Its id.
        title: What it does.
        granularity: `PARAM`, `CODE` or `ALGO`.
        family: Ideas of one family are likely to fare alike.
        path: The file of its lever, from the root; `line` to `end_line` in it, from 1.
        symbol: The function or class around it; `''` for the module.
        paper: Where it was published.
        reason: Why it applies here.
        expected: What the paper leads one to expect.
        risk: `LOW`, `MEDIUM` or `HIGH`.
        cost: A run's expected time relative to the code before.
        fate: A key of `report.fates.FATES`; `words` is the same for people.
        why: What decided it.
        gain: The measured difference in search; `''` when none was measured.
        detail: The difference with its interval and what that covers.
        badge: The mark that a list shows.
        patch: The id of its patch; `''` when it was not implemented.
        verdict: What the audit said of the patch; `findings` are its words.
        receipts: The runs that hold the numbers.
    """

    id: str
    title: str
    granularity: str
    family: str
    path: str
    line: int
    end_line: int
    symbol: str
    paper: str
    reason: str
    expected: str
    risk: str
    cost: float
    fate: str
    words: str
    why: str = ""
    gain: str = ""
    detail: str = ""
    badge: Badge = ""
    patch: str = ""
    verdict: Audit = ""
    findings: tuple[str, ...] = ()
    receipts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run of the newest campaign, also one that is going on.

    Attributes:
        id: Its id.
        purpose: `baseline`, `search`, `confirm`, `control` or `transfer`.
        side: `baseline`, or the id of the patch that was run.
        idea: The id of the idea behind the patch; `''` for none.
        patch: The id of the patch; `''` for the baseline.
        seed: Its seed.
        state: `running`, `finished`, or how it failed (`crashed`, `timeout`, `pruned`, …).
        began: When it began, ISO 8601; `''` when that is not known.
        wall_seconds: How long it took; None while it runs.
        metric: The metric that is shown.
        value: Its value, as its receipt holds it; `''` when unknown or masked.
        note: Why there is no value, or why the run failed.
        isolation: The grade of the number: `sealed`, `overlaid`, `declared`; `''` while it runs.
        receipt: The hash of its receipt; `''` while it runs.
        log: Whether there is a log to read.
    """

    id: str
    purpose: str
    side: str
    idea: str
    patch: str
    seed: int
    state: str
    began: str = ""
    wall_seconds: float | None = None
    metric: str = ""
    value: str = ""
    note: str = ""
    isolation: str = ""
    receipt: str = ""
    log: bool = False


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign of the workspace. `state` is as in `Progress`; `started` is ISO 8601."""

    id: str
    started: str
    state: str
    verdict: str = ""
    headline: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """Everything the views list.

    Attributes:
        root: The workspace.
        progress: How far the campaign is.
        goal: The objective as a tree.
        ideas: In the library's order.
        runs: The newest first.
        campaigns: The newest first.
        revision: The same as in `Progress`.
    """

    root: str
    progress: Progress
    goal: RubricNode
    ideas: tuple[IdeaRow, ...] = ()
    runs: tuple[RunRow, ...] = ()
    campaigns: tuple[CampaignRow, ...] = ()
    revision: str = ""


@dataclass(frozen=True, slots=True)
class LogPart:
    """A stretch of a run's log.

    Attributes:
        text: Whole characters, without terminal escapes, the claim masked.
        next: The offset to ask from next; only 0 has a meaning of its own: the beginning.
        ended: True when nothing follows: the run is over and all of it was given.
        restart: True when the run has ended since, and its stored log takes the place of what
            was given before: drop that, `text` is from the beginning.
    """

    text: str
    next: int
    ended: bool
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Curve:
    """A metric as a run reported it on its way: (step, value), in order of steps."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Series:
    """What a run reported on its way, metric by metric, without the claim."""

    run: str
    series: tuple[Curve, ...] = ()


@dataclass(frozen=True, slots=True)
class FileText:
    """One file of a patch, before and after; `''` where it is not there."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PatchText:
    """A patch for a diff editor.

    Attributes:
        id: The patch.
        title: What it does.
        files: What it changes.
        verdict: What the audit said.
        confirmed: Whether this very patch is confirmed.
        standing: The same in words, in the line that comes first.
        notes: What else to know, with the audit's findings.
    """

    id: str
    title: str
    files: tuple[FileText, ...]
    verdict: Audit = ""
    confirmed: bool = False
    standing: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NamedValue:
    """A metric or resource of a run, as it is shown; `note` says why there is no value."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptText:
    """A receipt to read.

    Attributes:
        id: The run.
        lines: It in words.
        values: Its numbers.
        json: All of it, with the claim masked until it was read.
    """

    id: str
    lines: tuple[str, ...]
    values: tuple[NamedValue, ...] = ()
    json: str = ""
