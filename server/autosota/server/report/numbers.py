"""The only place that turns receipts into shown numbers.

A number that is shown is a `Shown`: it names the receipts that hold it, and there is none
without. `Evidence` makes them, from a campaign told again by its receipts (`replay`), with
the claim masked where it was not read. How they look on a page is not known here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from autosota.agents.domain import Comparison, Direction, Isolation, Purpose, Receipt
from autosota.agents.scheduler import guards, statistics
from autosota.agents.scheduler.events import RunFinished
from autosota.agents.scheduler.state import CampaignState
from autosota.server.report.formats import decimals_for, decimals_of, fixed, resource_words
from autosota.server.report.pairs import (
    best_pairs,
    compare_pairs,
    confirm_pairs,
    control_pairs,
    piece_pairs,
    search_pairs,
    transfer_pairs,
    whole_pairs,
)
from autosota.server.report.pieces import whole_gain
from autosota.server.report.replay import History, is_masked, replay

GRADES = (Isolation.DECLARED, Isolation.OVERLAID, Isolation.SEALED)
"""Weakest first: numbers together are worth what the weakest of them is."""

RESOURCES = ("wall_seconds", "cpu_seconds", "peak_memory_bytes", "disk_bytes")
"""What the runner measures of every run, beside the metrics."""

MASKED = "masked"
UNKNOWN = "unknown"


class NoReceiptError(ValueError):
    """Somebody tried to show a number that no receipt holds."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A number as it is shown, the runs whose receipts hold it, and its isolation grade.

    `value` is None when unknown or masked; `text` then says which.
    """

    value: float | None
    receipts: tuple[str, ...]
    isolation: Isolation | None
    text: str

    def __post_init__(self) -> None:
        if self.value is not None and not self.receipts:
            raise NoReceiptError(f"{self.text}: a number that no receipt holds is not shown")


@dataclass(frozen=True, slots=True)
class ShownComparison:
    """A paired comparison, number by number. Positive differences are better."""

    metric: str
    baseline: Shown
    candidate: Shown
    difference: Shown
    low: Shown | None
    high: Shown | None
    corrected_p: Shown | None
    result: Comparison
    seeds: tuple[int, ...]

    @property
    def receipts(self) -> tuple[str, ...]:
        """All runs behind it."""
        return self.difference.receipts

    @property
    def isolation(self) -> Isolation | None:
        """The weakest grade among them."""
        return self.difference.isolation


@dataclass(frozen=True, slots=True)
class ShownMean:
    """A mean over seeds with the half width of its 95 % interval (None for one seed)."""

    mean: Shown
    half: Shown | None
    low: Shown | None
    high: Shown | None
    seeds: tuple[int, ...]


Pairs = Sequence[tuple[RunFinished, RunFinished]]


class Evidence:
    """What the receipts of one campaign prove.

    Args:
        history: all events of the campaign: row number, ISO 8601 time, event.
        receipts: by run id.
        hashes: what each receipt hashes to now; computed when left out.

    Attributes:
        state: the fold of the events with each number recomputed from receipts.
        problems: where the ledger's events say something else, in words.
    """

    def __init__(
        self,
        history: History,
        receipts: Mapping[str, Receipt],
        hashes: Mapping[str, str] | None = None,
    ) -> None:
        if hashes is None:
            from autosota.server.ledger.codec import receipt_hash

            hashes = {run_id: receipt_hash(receipt) for run_id, receipt in receipts.items()}
        told = replay(history, receipts, hashes)
        self.history = history
        self.receipts = receipts
        self.hashes = hashes
        self.state: CampaignState = told.state
        self.problems: tuple[str, ...] = tuple(told.problems)
        self.rows = {run.run_id: n for n, run in enumerate(self.state.runs, start=1)}

    # ------------------------------------------------------------------ one number

    def value(self, run: RunFinished, name: str) -> Shown:
        """One metric or resource of one run."""
        held = self._held([run.run_id])
        if is_masked(name, run.purpose, self.state):
            return Shown(None, held, None, MASKED)
        value = guards.recorded(run, name)
        if value is None or not held:
            return Shown(None, held, None, UNKNOWN)
        if name in RESOURCES:
            return self._shown(value, [run], name, resource_words(name, value))
        return self._shown(value, [run], name, fixed(value, max(4, decimals_for(None, value))))

    def total(self, runs: Sequence[RunFinished], name: str) -> Shown:
        """The sum of a resource over runs; unknown unless every one of them measured it."""
        values = [guards.recorded(run, name) for run in runs]
        if not values or None in values:
            return Shown(None, self._held(r.run_id for r in runs), None, UNKNOWN)
        total = math.fsum(v for v in values if v is not None)
        return self._shown(total, runs, name, resource_words(name, total))

    def runs_counted(self, runs: Sequence[RunFinished]) -> Shown:
        """How many runs have a receipt."""
        held = self._held(r.run_id for r in runs)
        return Shown(float(len(held)) if held else None, held, None, str(len(held)))

    # ------------------------------------------------------------------ means

    def mean(self, runs: Sequence[RunFinished], name: str) -> ShownMean | None:
        """A metric's mean over runs, with its interval; None when not every run has it."""
        masked = any(is_masked(name, run.purpose, self.state) for run in runs)
        values = [guards.recorded(run, name) for run in runs]
        if not values or masked or None in values:
            return None
        known = [v for v in values if v is not None]
        centre = statistics.mean(known)
        interval = statistics.t_interval(known, 0.95)
        half = (interval[1] - interval[0]) / 2 if interval else None
        still = half is not None and statistics.is_negligible(half, [centre])
        digits = decimals_for(None if still else half, centre)

        def show(value: float) -> Shown:
            return self._shown(value, runs, name, fixed(value, digits))

        return ShownMean(
            mean=show(centre),
            half=None if half is None else show(half),
            low=None if interval is None else show(interval[0]),
            high=None if interval is None else show(interval[1]),
            seeds=tuple(r.seed for r in runs),
        )

    def baseline(self, name: str) -> ShownMean | None:
        """A metric over the baseline runs that reproduced the paper's number."""
        measured = self.state.baseline
        if measured is None:
            return None
        base = self.state.start.base_commit
        found = [self.state.run(Purpose.BASELINE, base, seed) for seed in measured.seeds]
        runs = [run for run in found if run is not None]
        return self.mean(runs, name) if len(runs) == len(measured.seeds) else None

    def difference_to_paper(self, mean: ShownMean, paper: float) -> Shown:
        """Reproduced minus the paper's number."""
        assert mean.mean.value is not None
        digits = len(mean.mean.text.partition(".")[2])
        change = mean.mean.value - paper
        text = fixed(change, digits, signed=True)
        text = text.lstrip("+-") if float(text) == 0 else text
        return Shown(change, mean.mean.receipts, mean.mean.isolation, text)

    # ------------------------------------------------------------------ comparisons

    def idea(self, idea: str) -> ShownComparison | None:
        """The search's comparison of an idea with its parent; None when not measured."""
        judged = self.state.judged.get(idea)
        if judged is None:
            return None
        return self._comparison(judged.comparison, search_pairs(idea, self.state))

    def confirmation(self) -> ShownComparison | None:
        """The claim on fresh paired seeds; None until it was judged."""
        judged = self.state.confirmation
        if judged is None:
            return None
        return self._comparison(judged.comparison, confirm_pairs(self.state))

    def piece(self, name: str) -> ShownComparison | None:
        """The best with a piece of it against the same without; None when not measured."""
        judged = self.state.pieces.get(name)
        if judged is None:
            return None
        return self._comparison(judged.comparison, piece_pairs(self.state, name))

    def control(self, name: str) -> ShownComparison | None:
        """What a control compared; None when it was not run, or its claim is masked."""
        judged = self.state.controls.get(name)
        if judged is None:
            return None
        return self._comparison(judged.comparison, control_pairs(self.state, name))

    def transfer(self, name: str) -> ShownComparison | None:
        """The change in another setting; None when it was not run."""
        judged = self.state.transfers.get(name)
        if judged is None:
            return None
        return self._comparison(judged.comparison, transfer_pairs(self.state, name))

    def whole(self) -> ShownComparison | None:
        """What the best change brought in search, before it was taken apart."""
        return self._comparison(whole_gain(self.state), whole_pairs(self.state))

    def compared(self, metric: str, pairs: Pairs) -> ShownComparison | None:
        """The paired comparison of the search on these pairs, uncorrected."""
        return self._comparison(compare_pairs(metric, self.state, pairs), pairs)

    def secondary(self, name: str, pairs: Pairs) -> ShownComparison | None:
        """Another metric over the same pairs, candidate minus baseline: described, not tested.

        Which way it is better is not known, so the difference is not signed by direction.
        """
        if any(is_masked(name, run.purpose, self.state) for pair in pairs for run in pair):
            return None
        result = compare_pairs(name, self.state, pairs, direction=Direction.MAXIMIZE)
        return self._comparison(result, pairs)

    def medians(self, name: str, pairs: Pairs) -> tuple[Shown, Shown, Shown] | None:
        """Paired medians of a resource: baseline, candidate and the relative change."""
        both = [(guards.recorded(a, name), guards.recorded(b, name)) for a, b in pairs]
        known = [(a, b) for a, b in both if a is not None and b is not None]
        if not known or len(known) < len(pairs):
            return None
        runs = [run for pair in pairs for run in pair]
        before = statistics.median([a for a, _ in known])
        after = statistics.median([b for _, b in known])
        change = statistics.median([b - a for a, b in known])
        text = f"{change / abs(before):+.0%}" if before else fixed(change, 2, signed=True)
        text = "0%" if text in ("+0%", "-0%") else text
        return (
            self._shown(before, runs, name, resource_words(name, before)),
            self._shown(after, runs, name, resource_words(name, after)),
            self._shown(change, runs, name, text.replace("%", " %")),
        )

    def sides(self) -> Pairs:
        """The pairs that show both sides best: the confirmation's if judged, else the search's."""
        judged = self.state.confirmation
        if judged is not None and judged.comparison is not None:
            return confirm_pairs(self.state)
        return best_pairs(self.state)

    # ------------------------------------------------------------------ inside

    def _comparison(self, result: Comparison | None, pairs: Pairs) -> ShownComparison | None:
        if result is None or result.difference is None or not pairs:
            return None
        digits = decimals_of(result)
        pairs = pairs[: result.pairs]  # seeds may have been added since
        left, right = [a for a, _ in pairs], [b for _, b in pairs]
        both = left + right

        def show(value: float | None, runs: Sequence[RunFinished], signed: bool) -> Shown:
            assert value is not None
            text = "0" if signed and value == 0 else fixed(value, digits, signed=signed)
            return self._shown(value, runs, result.metric, text)

        def maybe(value: float | None, make: Callable[[float], Shown]) -> Shown | None:
            return None if value is None else make(value)

        return ShownComparison(
            metric=result.metric,
            baseline=show(result.baseline_mean, left, False),
            candidate=show(result.candidate_mean, right, False),
            difference=show(result.difference, both, True),
            low=maybe(result.low, lambda v: show(v, both, True)),
            high=maybe(result.high, lambda v: show(v, both, True)),
            corrected_p=maybe(
                result.corrected_p, lambda v: self._shown(v, both, result.metric, f"{v:.2g}")
            ),
            result=result,
            seeds=tuple(run.seed for run in left),
        )

    def _shown(self, value: float, runs: Sequence[RunFinished], name: str, text: str) -> Shown:
        held = self._held(run.run_id for run in runs)
        if len(held) < len(runs) or not math.isfinite(value):
            return Shown(None, held, None, UNKNOWN)
        return Shown(value, held, self.grade(held, name), text)

    def grade(self, runs: Iterable[str], name: str) -> Isolation:
        """The weakest isolation grade of one metric among these runs."""
        found = [self.receipts[run].isolation_of(name) for run in runs]
        return min(found, key=GRADES.index, default=Isolation.DECLARED)

    def _held(self, runs: Iterable[str]) -> tuple[str, ...]:
        return tuple(run for run in runs if run in self.receipts)
