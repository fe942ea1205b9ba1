"""The sections of a report as typed rows: what the template prints, in its order.

Every number of a run in here is a `Shown`. How rows look is the template's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autosota.agents.domain import (
    BASELINE,
    Finding,
    Hypothesis,
    Outcome,
    PaperClaim,
    Patch,
    Purpose,
    Receipt,
    Verdict,
)
from autosota.agents.scheduler import guards
from autosota.agents.scheduler.claims import MATCHED
from autosota.agents.scheduler.events import RunFinished
from autosota.server.report.diffs import Diff, parse_diff
from autosota.server.report.fates import FATES, fate_of
from autosota.server.report.formats import count
from autosota.server.report.numbers import (
    RESOURCES,
    UNKNOWN,
    Evidence,
    Shown,
    ShownComparison,
    ShownMean,
)
from autosota.server.report.text import reads_in_full

_ARXIV = re.compile(r"\barxiv[: ]\s*(\d{4}\.\d{4,5})", re.IGNORECASE)
_WEB = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)

RESOURCE_NAMES = {
    "wall_seconds": "wall time per run",
    "cpu_seconds": "CPU time per run",
    "peak_memory_bytes": "peak memory",
    "disk_bytes": "disk written",
}


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """One line of the claims table. `paper` is quoted from the objective, not measured."""

    metric: str
    unit: str
    is_claim: bool
    paper: PaperClaim | None
    reproduced: ShownMean | None
    to_paper: Shown | None
    agrees: bool | None
    improved: ShownComparison | None
    reads: str


@dataclass(frozen=True, slots=True)
class IdeaCard:
    """One idea with all that became of it. `number` is its place in the trajectory."""

    number: int | None
    idea: Hypothesis
    fate: str
    fate_words: str
    reason: str
    chosen: str
    paper_url: str
    comparison: ShownComparison | None
    verdict: Verdict | None
    findings: tuple[Finding, ...]
    patch: Patch | None
    diff: Diff | None
    runs: tuple[RunFinished, ...]
    kept: bool


@dataclass(frozen=True, slots=True)
class TradeRow:
    """R4: one metric or resource on both sides. `change` is candidate minus baseline."""

    name: str
    title: str
    statistic: str
    baseline: Shown
    candidate: Shown | None
    change: Shown | None
    low: Shown | None
    high: Shown | None
    limit: str
    held: bool | None


@dataclass(frozen=True, slots=True)
class ComputeRow:
    """What one side cost. A cell is (runs, wall seconds), None where nothing ran."""

    side: str
    cells: tuple[tuple[Shown, Shown] | None, ...]
    runs: Shown
    wall: Shown
    cpu: Shown
    failed: int


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """One run, with its receipt when there is one."""

    row: int
    run: RunFinished
    receipt: Receipt | None
    search: Shown
    claim: Shown
    wall: Shown
    hash: str


def purposes_run(evidence: Evidence) -> tuple[Purpose, ...]:
    """The purposes that runs were executed for."""
    ran = {run.purpose for run in evidence.state.runs}
    return tuple(p for p in Purpose if p in ran)


def claim_rows(evidence: Evidence) -> list[ClaimRow]:
    """The claim first, then what else the paper claims."""
    state = evidence.state
    objective = state.objective
    claim = objective.claim_of_paper() or PaperClaim(objective.metric, float("nan"))
    others = [c for c in objective.paper.claims if c.metric != objective.metric]
    judged = state.confirmation
    compared = judged is not None and judged.comparison is not None
    rows = []
    for paper in (claim, *others):
        is_claim = paper.metric == objective.metric
        written = paper.value == paper.value
        reproduced = evidence.baseline(paper.metric)
        to_paper = agrees = None
        if reproduced is not None and reproduced.mean.value is not None and written:
            to_paper = evidence.difference_to_paper(reproduced, paper.value)
            agrees = _holds(reproduced, paper.value)
        improved = evidence.confirmation() if is_claim else None
        if not is_claim and compared:
            improved = evidence.secondary(paper.metric, evidence.sides())
        rows.append(
            ClaimRow(
                metric=paper.metric,
                unit=objective.source_of(paper.metric).unit,
                is_claim=is_claim,
                paper=paper if written else None,
                reproduced=reproduced,
                to_paper=to_paper,
                agrees=agrees,
                improved=improved,
                reads=reads_in_full(state) if is_claim else "not the claim",
            )
        )
    return rows


def _holds(mean: ShownMean, value: float) -> bool | None:
    if mean.low is None or mean.high is None:
        return None
    assert mean.low.value is not None and mean.high.value is not None
    return mean.low.value <= value <= mean.high.value


def idea_cards(evidence: Evidence) -> list[IdeaCard]:
    """Ideas that were tried, in order; then the rest, in the library's order."""
    state = evidence.state
    numbers = {chosen.idea: n for n, chosen in enumerate(state.iterations, start=1)}
    order = [i for i in state.selected if i in state.ideas]
    order += [i for i in state.ideas if i not in numbers]
    runs: dict[str, list[RunFinished]] = {}
    for run in state.runs:
        runs.setdefault(run.side, []).append(run)
    kept = state.best.ideas if state.best is not None else ()
    cards = []
    for name in order:
        idea = state.ideas[name]
        fate, reason = fate_of(name, state)
        patch = state.patches.get(state.patch_of_idea.get(name, ""))
        verdict = state.verdicts.get(patch.id) if patch is not None else None
        chosen = state.selected[name].reason if name in state.selected else ""
        cards.append(
            IdeaCard(
                number=numbers.get(name),
                idea=idea,
                fate=fate,
                fate_words=FATES[fate],
                reason=reason if reason != chosen else "",
                chosen=chosen,
                paper_url=paper_url(idea.paper),
                comparison=evidence.idea(name),
                verdict=verdict,
                findings=verdict.findings if verdict is not None else (),
                patch=patch,
                diff=parse_diff(patch.diff) if patch is not None and patch.diff else None,
                runs=tuple(runs.get(patch.id, ())) if patch is not None else (),
                kept=name in kept,
            )
        )
    return cards


def trade_rows(evidence: Evidence) -> list[TradeRow]:
    """Every recorded metric but the claim, and every resource, on both sides, with guards."""
    state = evidence.state
    objective = state.objective
    pairs = evidence.sides()
    base = [r for r in state.runs if r.purpose is Purpose.BASELINE and r.outcome is Outcome.OK]
    reported = [*base, *(run for pair in pairs for run in pair)]
    names = dict.fromkeys(name for r in reported for name in r.metrics if name != objective.metric)
    judged = state.confirmation
    held = {g.name: g.held for g in judged.guards} if judged is not None else {}
    limits = {g.name: guards.limit_text(g) for g in objective.guards}
    rows = []
    matched = evidence.control(MATCHED)
    if matched is not None:
        title = f"{objective.metric} at equal compute"
        sides = (matched.baseline, matched.candidate, matched.difference, matched.low, matched.high)
        passed = state.controls[MATCHED].passed
        rows.append(TradeRow(MATCHED, title, "mean", *sides, "above 0 at 90 %", passed))
    for name in names:
        found = evidence.secondary(name, pairs)
        limit, verdict = limits.get(name, ""), held.get(name)
        if found is not None:
            sides = (found.baseline, found.candidate, found.difference, found.low, found.high)
            rows.append(TradeRow(name, name, "mean", *sides, limit, verdict))
            continue
        mean = evidence.mean(base, name)
        other = evidence.mean([b for _, b in pairs], name)
        if mean is not None or other is not None:
            before = mean.mean if mean is not None else Shown(None, (), None, UNKNOWN)
            after = other.mean if other is not None else None
            rows.append(
                TradeRow(name, name, "mean", before, after, None, None, None, limit, verdict)
            )
    for name in RESOURCES:
        title, limit, verdict = RESOURCE_NAMES[name], limits.get(name, ""), held.get(name)
        medians = evidence.medians(name, pairs)
        if medians is not None:
            rows.append(TradeRow(name, title, "median", *medians, None, None, limit, verdict))
            continue
        alone = evidence.medians(name, [(run, run) for run in base])
        if alone is not None:
            first = alone[0]
            rows.append(
                TradeRow(name, title, "median", first, None, None, None, None, limit, verdict)
            )
    return rows


def compute_rows(evidence: Evidence) -> list[ComputeRow]:
    """Runs and time per side (baseline, the best candidate, the rest) and per purpose."""
    state = evidence.state
    best = state.best
    best_side = {best.patch, *(state.patch_of_idea[i] for i in best.ideas)} if best else set()
    groups: dict[str, list[RunFinished]] = {
        "baseline": [r for r in state.runs if r.side == BASELINE],
        "best candidate": [r for r in state.runs if r.side in best_side],
        "other candidates": [
            r for r in state.runs if r.side != BASELINE and r.side not in best_side
        ],
        "all": list(state.runs),
    }
    return [
        ComputeRow(
            side=side,
            cells=tuple(_cell(evidence, runs, purpose) for purpose in purposes_run(evidence)),
            runs=evidence.runs_counted(runs),
            wall=evidence.total(runs, "wall_seconds"),
            cpu=evidence.total(runs, "cpu_seconds"),
            failed=sum(r.outcome is not Outcome.OK for r in runs),
        )
        for side, runs in groups.items()
        if runs
    ]


def _cell(
    evidence: Evidence, runs: Sequence[RunFinished], purpose: Purpose
) -> tuple[Shown, Shown] | None:
    these = [r for r in runs if r.purpose is purpose]
    if not these:
        return None
    return evidence.runs_counted(these), evidence.total(these, "wall_seconds")


def receipt_rows(evidence: Evidence) -> list[ReceiptRow]:
    """Every run, in the order they finished."""
    objective = evidence.state.objective
    return [
        ReceiptRow(
            row=evidence.rows[run.run_id],
            run=run,
            receipt=evidence.receipts.get(run.run_id),
            search=evidence.value(run, objective.select_on),
            claim=evidence.value(run, objective.metric),
            wall=evidence.value(run, "wall_seconds"),
            hash=evidence.hashes.get(run.run_id, ""),
        )
        for run in evidence.state.runs
    ]


def paper_url(text: str) -> str:
    """A web address for a paper named in words; '' when there is none. Only http and https."""
    web = _WEB.search(text)
    if web is not None:
        return web[0].rstrip(".,;)")
    arxiv = _ARXIV.search(text)
    return f"https://arxiv.org/abs/{arxiv[1]}" if arxiv is not None else ""


def ranges(rows: Iterable[int]) -> list[tuple[int, int]]:
    """Row numbers as runs of consecutive ones: 1, 2, 3, 7 → (1, 3), (7, 7)."""
    found: list[tuple[int, int]] = []
    for row in sorted(set(rows)):
        if found and row == found[-1][1] + 1:
            found[-1] = (found[-1][0], row)
        else:
            found.append((row, row))
    return found


def machine_words(receipts: Iterable[Receipt]) -> list[str]:
    """The machines that runs used, in words; more than one is worth a look."""
    seen: dict[str, int] = {}
    for receipt in receipts:
        m = receipt.machine
        parts = [m.cpu, count(m.cores, "core") if m.cores else "", *m.gpus, m.driver, m.system]
        parts.append(f"Python {m.python}" if m.python else "")
        words = ", ".join(p for p in parts if p) or "not recorded"
        seen[words] = seen.get(words, 0) + 1
    if len(seen) == 1:
        return list(seen)
    return [f"{words} ({count(n, 'run')})" for words, n in seen.items()]
