"""What an editor may be shown of one file of a workspace: ideas, measured values, the experiment.

Plain values that travel between processes. Lines count from 1. How they look in an editor is
its neighbours' to say, how they are found is `look`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of an idea in a campaign.

    Attributes:
        campaign: Its id.
        fate: A key of `report.fates.FATES`.
        words: The fate in words.
        why: What decided it.
        gain: The measured difference in search, in per cent of the baseline or its unit; ''.
        metric: What it was measured on.
        detail: The difference with its interval and what that covers; ''.
        patch: The id of its patch; '' when it was not implemented.
        receipts: The runs that hold the numbers.
    """

    campaign: str
    fate: str
    words: str
    why: str
    gain: str = ""
    metric: str = ""
    detail: str = ""
    patch: str = ""
    receipts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Idea:
    """A published idea that applies at a place of the file.

    `line` to `end_line` are the lever; `symbol` is the function or class around it (`''`: the
    module) whose header stands in `header` (0: none).
    """

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
    assumptions: tuple[str, ...] = ()
    tried: Tried | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """A metric's mean over runs, as the receipts prove it: text, half interval, seeds, grade."""

    side: str
    text: str
    half: str
    seeds: int
    isolation: str
    receipts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric where the program shows it.

    `values` are the baseline's and the best's; `note` says why there is none (`masked`).
    `paper` is the number that the paper claims, `''` when it claims none.
    """

    name: str
    line: int
    values: tuple[Value, ...] = ()
    note: str = ""
    paper: str = ""
    is_claim: bool = False


@dataclass(frozen=True, slots=True)
class Fixed:
    """A constant that the paper fixes (R7)."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class View:
    """Everything there is to show of one file.

    Attributes:
        root: The workspace.
        path: The file, from the root.
        has_objective: Whether the workspace has an objective that can be read.
        entry: The line where the experiment's script begins to run; 0 where this is none.
        ideas: Best first.
        metrics: In order of their lines.
        fixed: What the paper fixes.
        note: What stands in the way, in one line.
    """

    root: str
    path: str
    has_objective: bool = False
    entry: int = 0
    ideas: tuple[Idea, ...] = ()
    metrics: tuple[Metric, ...] = ()
    fixed: tuple[Fixed, ...] = ()
    note: str = ""

    def moved(self, first: int, last: int, delta: int) -> View:
        """The view after lines `first` to `last` became `delta` lines more (or fewer).

        What lay below moves; what lay in them stays at most at the last line that is left. A look
        at the new text follows soon.
        """
        if not delta:
            return self

        def at(line: int) -> int:
            if line > last:
                return line + delta
            return min(line, max(first, last + delta)) if line > first else line

        def idea(one: Idea) -> Idea:
            return replace(one, line=at(one.line), end_line=at(one.end_line), header=at(one.header))

        return replace(
            self,
            entry=at(self.entry),
            ideas=tuple(map(idea, self.ideas)),
            metrics=tuple(replace(m, line=at(m.line)) for m in self.metrics),
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """An idea carried out in the text as it is: whole files, and what the audit says.

    `before` and `after` are by path from the root. `verdict` is '' where no objective says what
    is judged; `doubts` are its findings in words.
    """

    idea: str
    title: str
    paper: str
    before: dict[str, bytes]
    after: dict[str, bytes]
    verdict: str = ""
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """A workspace's campaign and how far it is. Times in seconds.

    `state` is `none`, `running`, `stopped`, `finished` or `idle` (nobody drives it).
    `revision` changes whenever the ledger grows, or another run goes on. `may_spend` is the
    objective's budget in words: what the next campaign may spend; '' where no objective says.
    """

    root: str
    state: str = "none"
    campaign: str = ""
    verdict: str = ""
    doing: str = ""
    evaluations: int = 0
    budget_evaluations: int = 0
    wall_seconds: float = 0.0
    budget_wall_seconds: float = 0.0
    dollars: float | None = None
    budget_dollars: float | None = None
    ideas: int = 0
    ideas_tried: int = 0
    headline: str = ""
    autonomy: str = "suggest"
    autonomy_ceiling: str = "suggest"
    has_objective: bool = False
    note: str = ""
    may_spend: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Indexed:
    """How far the index of a workspace is: files that were read of all, and the seconds it took."""

    root: str
    read: int
    files: int
    entries: tuple[str, ...]
    seconds: float
