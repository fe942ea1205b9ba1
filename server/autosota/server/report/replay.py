"""A campaign's events told again from its receipts: every number recomputed and cross-checked.

The result is a state like any other, but each number in it comes from a receipt; where the
ledger's event says something else, that is a problem in words. The claim of runs that was
not read is taken out. Hash chains are `autosota verify`'s.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from autosota.agents.domain import Comparison, Direction, Outcome, Purpose, Receipt
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler import guards, statistics
from autosota.agents.scheduler.state import CampaignState, fold

History = Sequence[tuple[int, str, ev.Event]]
"""Row number, ISO 8601 time and event, in the ledger's order."""

_ONE_VALUE_FOR_ALL = ("objective_hash", "evaluator_hash", "data_hash", "base_commit")


@dataclass(slots=True)
class Replay:
    """The state that receipts prove, and what the ledger says differently."""

    state: CampaignState = field(default_factory=CampaignState)
    problems: list[str] = field(default_factory=list)


def is_masked(metric: str, purpose: Purpose, state: CampaignState) -> bool:
    """True when a metric of such a run may not be shown: the claim, and what tells of it."""
    return state.objective.tells_of_claim(metric) and not state.claim_is_open(purpose)


def replay(history: History, receipts: Mapping[str, Receipt], hashes: Mapping[str, str]) -> Replay:
    """Fold the events again with every number taken from receipts.

    Args:
        history: all events of one campaign.
        receipts: by run id.
        hashes: what each receipt hashes to now, by run id.
    """
    told = Replay()
    final = fold(event for _, _, event in history)
    for _, _, event in history:
        told.state.apply(_proved(event, told, final, receipts, hashes))
    known = {run.run_id for run in final.runs}
    for run_id in receipts:
        if run_id not in known:
            told.problems.append(f"receipt {run_id} belongs to no run of this campaign")
    for name in _ONE_VALUE_FOR_ALL:
        values = {getattr(r, name) for i, r in receipts.items() if i in known}
        if len(values) > 1:
            what = name.replace("_", " ")
            told.problems.append(f"the receipts do not agree on the {what}: {len(values)} values")
    return told


def _proved(
    event: ev.Event,
    told: Replay,
    final: CampaignState,
    receipts: Mapping[str, Receipt],
    hashes: Mapping[str, str],
) -> ev.Event:
    match event:
        case ev.RunFinished():
            return _run(event, told, final, receipts.get(event.run_id), hashes)
        case ev.BaselineMeasured():
            return _baseline(event, told)
        case ev.IdeaJudged() if event.comparison is not None:
            found = _search_comparison(event, told.state)
            _check_comparison(f"idea {event.idea}", event.comparison, found, told)
            return replace(event, comparison=found)
        case ev.ConfirmationJudged():
            return _confirmation(event, told)
        case ev.CampaignFinished():
            return _finished(event, told)
    return event


# ------------------------------------------------------------------ runs


def _run(
    event: ev.RunFinished,
    told: Replay,
    final: CampaignState,
    receipt: Receipt | None,
    hashes: Mapping[str, str],
) -> ev.RunFinished:
    """The run as its receipt tells it; one without a receipt has no numbers at all."""
    if receipt is None:
        told.problems.append(f"run {event.run_id} has no receipt: its numbers are left out")
        return replace(event, metrics={}, resources={}, wall_seconds=0.0)
    if hashes.get(event.run_id) != event.receipt:
        told.problems.append(
            f"receipt {event.run_id} was changed: its hash is not the one in the ledger"
        )
    used = receipt.resources
    resources = {
        "cpu_seconds": used.cpu_seconds,
        "peak_memory_bytes": used.peak_memory_bytes,
        "disk_bytes": used.disk_bytes,
    }
    proved = ev.RunFinished(
        run_id=receipt.run_id,
        purpose=receipt.purpose,
        side=receipt.side,
        commit=receipt.commit,
        seed=receipt.seed,
        outcome=receipt.outcome,
        reason=receipt.reason,
        metrics={m.name: m.value for m in receipt.metrics},
        isolation=receipt.isolation_of(final.objective.metric),
        wall_seconds=used.wall_seconds,
        receipt=event.receipt,
        resources={k: float(v) for k, v in resources.items() if v is not None},
    )
    for name in ("purpose", "side", "commit", "seed", "outcome", "isolation"):
        said, holds = getattr(event, name), getattr(proved, name)
        if said != holds:
            told.problems.append(
                f"run {event.run_id}: the ledger says {name} {said}, the receipt {holds}"
            )
    if not _same(event.wall_seconds, proved.wall_seconds):
        told.problems.append(f"run {event.run_id}: ledger and receipt disagree on wall seconds")
    for name in event.metrics.keys() | proved.metrics.keys():
        said, holds = event.metrics.get(name), proved.metrics.get(name)
        if not _same(said, holds):
            masked = is_masked(name, event.purpose, final)
            told.problems.append(
                f"run {event.run_id}: ledger and receipt disagree on {name}"
                + ("" if masked else f": {_plain(said)} and {_plain(holds)}")
            )
    shown = {k: v for k, v in proved.metrics.items() if not is_masked(k, event.purpose, final)}
    return replace(proved, metrics=shown)


# ------------------------------------------------------------------ what follows from runs


def _baseline(event: ev.BaselineMeasured, told: Replay) -> ev.BaselineMeasured:
    state = told.state
    objective = state.objective
    runs = [state.run(Purpose.BASELINE, state.start.base_commit, s) for s in event.seeds]
    done = [r for r in runs if r is not None and r.outcome is Outcome.OK]
    search = [v for r in done if (v := r.metrics.get(objective.select_on)) is not None]
    claim = [v for r in done if (v := r.metrics.get(objective.metric)) is not None]
    if len(search) < len(event.seeds) or len(claim) < len(event.seeds):
        told.problems.append("the baseline's numbers are not all held by receipts")
    interval = statistics.t_interval(claim, 0.95)
    paper = objective.claim_of_paper()
    proved = replace(
        event,
        mean=statistics.mean(search) if search else math.nan,
        sd=statistics.sample_sd(search),
        claim_mean=statistics.mean(claim) if claim else math.nan,
        claim_low=interval[0] if interval else None,
        claim_high=interval[1] if interval else None,
        paper_value=paper.value if paper is not None else None,
        seconds_per_run=statistics.median([r.wall_seconds for r in done]) if done else 0.0,
    )
    for name in ("mean", "sd", "claim_mean", "claim_low", "claim_high", "seconds_per_run"):
        said, holds = getattr(event, name), getattr(proved, name)
        if not _same(said, holds):
            told.problems.append(
                f"baseline: the ledger says {name.replace('_', ' ')} {_plain(said)}, "
                f"the receipts give {_plain(holds)}"
            )
    return proved


def search_pairs(idea: str, state: CampaignState) -> list[tuple[ev.RunFinished, ev.RunFinished]]:
    """The (parent, candidate) runs of an idea over the same seeds, both with a search value."""
    patch = state.patches.get(state.patch_of_idea.get(idea, ""))
    if patch is None:
        return []
    base = state.start.base_commit
    purpose = Purpose.BASELINE if patch.parent == base else Purpose.SEARCH
    return _pairs(state, state.objective.seeds, (purpose, patch.parent), patch.commit)


def best_pairs(state: CampaignState) -> list[tuple[ev.RunFinished, ev.RunFinished]]:
    """The (base, best) runs of the search over the same seeds."""
    if state.best is None:
        return []
    base = (Purpose.BASELINE, state.start.base_commit)
    return _pairs(state, state.objective.seeds, base, state.best.commit)


def confirm_pairs(state: CampaignState) -> list[tuple[ev.RunFinished, ev.RunFinished]]:
    """The (baseline, candidate) runs of the confirmation that both ended well."""
    plan = state.plan
    if plan is None:
        return []
    base = (Purpose.CONFIRM, state.start.base_commit)
    return _pairs(state, plan.seeds, base, plan.commit, Purpose.CONFIRM)


def _pairs(
    state: CampaignState,
    seeds: Sequence[int],
    before: tuple[Purpose, str],
    commit: str,
    purpose: Purpose = Purpose.SEARCH,
) -> list[tuple[ev.RunFinished, ev.RunFinished]]:
    found = []
    for seed in seeds:
        left, right = state.run(*before, seed), state.run(purpose, commit, seed)
        if left is not None and right is not None:
            found.append((left, right))
    return [(a, b) for a, b in found if a.outcome is Outcome.OK is b.outcome]


def compare_pairs(
    metric: str,
    state: CampaignState,
    pairs: Sequence[tuple[ev.RunFinished, ev.RunFinished]],
    *,
    corrections: int = 1,
    confidence: float = 0.95,
    exact: bool = False,
    direction: Direction | None = None,
) -> Comparison | None:
    """The paired comparison on one metric; None when a value of it is missing.

    `direction` is the objective's unless given.
    """
    before = [a.metrics.get(metric) for a, _ in pairs]
    after = [b.metrics.get(metric) for _, b in pairs]
    if not pairs or None in before or None in after:
        return None
    return statistics.compare(
        metric,
        direction or state.objective.direction,
        [v for v in before if v is not None],
        [v for v in after if v is not None],
        corrections=corrections,
        confidence=confidence,
        exact=exact,
    )


def _search_comparison(event: ev.IdeaJudged, state: CampaignState) -> Comparison | None:
    return compare_pairs(
        state.objective.select_on,
        state,
        search_pairs(event.idea, state),
        corrections=max(1, len(state.looked_at)),
    )


def _confirmation(event: ev.ConfirmationJudged, told: Replay) -> ev.ConfirmationJudged:
    if event.comparison is None:
        return event
    state = told.state
    pairs = confirm_pairs(state)
    level = statistics.confirmation_level(event.attempt)
    found = compare_pairs(
        state.objective.metric, state, pairs, confidence=1 - 2 * level, exact=True
    )
    _check_comparison("confirmation", event.comparison, found, told)
    held = tuple(guards.check(g, pairs) for g in state.objective.guards)
    said = {g.name: g for g in event.guards}
    for guard in held:
        old = said.get(guard.name)
        if old is None or old.held != guard.held or not _same(old.candidate, guard.candidate):
            told.problems.append(f"guard {guard.name}: the receipts give another answer")
    return replace(event, comparison=found, guards=held)


def _finished(event: ev.CampaignFinished, told: Replay) -> ev.CampaignFinished:
    state = told.state
    result = state.confirmation.comparison if state.confirmation is not None else None
    baseline = best = interval = None
    if result is not None:
        baseline, best = result.baseline_mean, result.candidate_mean
        if result.low is not None and result.high is not None:
            interval = (result.low, result.high)
    elif state.baseline is not None:
        baseline = state.baseline.claim_mean
    for name, said, holds in (
        ("baseline", event.baseline, baseline),
        ("best", event.best, best),
        ("evaluations", event.evaluations, len(state.runs)),
        ("ideas", event.ideas, len(state.tried)),
        ("reads of the claim", event.reads_of_claim_metric, state.claim_reads),
    ):
        if not _same(said, holds):
            told.problems.append(
                f"end: the ledger says {name} {_plain(said)}, the receipts give {_plain(holds)}"
            )
    return replace(event, baseline=baseline, best=best, interval=interval)


# ------------------------------------------------------------------ cross-checks


def _check_comparison(where: str, said: Comparison, found: Comparison | None, told: Replay) -> None:
    if found is None:
        told.problems.append(f"{where}: the receipts do not hold the numbers of its comparison")
        return
    for name in (
        "pairs",
        "baseline_mean",
        "candidate_mean",
        "difference",
        "low",
        "high",
        "corrected_p",
        "confidence",
    ):
        old, new = getattr(said, name), getattr(found, name)
        if not _same(old, new):
            told.problems.append(
                f"{where}: the ledger says {name.replace('_', ' ')} {_plain(old)}, "
                f"the receipts give {_plain(new)}"
            )


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def _plain(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.6g}"
