"""One comparison in the search: which run is next, and what the runs say of a commit.

Pure. A candidate and its reference run on common seeds, one pair at a time, until the race
(`racing`) is decided. What ends it early stands here, too: far too much compute, a change that
changes nothing, a machine that has drifted. Which idea is tried, and what is made of the answer,
is `search`'s and `ablation`'s business.
"""

from __future__ import annotations

from dataclasses import replace

from autosota.agents.domain import BASELINE, Comparison, Fate, Outcome, Patch, Pruning, Purpose
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler import guards, racing, statistics
from autosota.agents.scheduler.actions import Execute
from autosota.agents.scheduler.baseline import FLAKY, seeds_are_idle
from autosota.agents.scheduler.claims import (
    LEAST_SECONDS,
    MORE_COMPUTE,
    allows_compute,
    can_match,
    compute_of,
)
from autosota.agents.scheduler.spending import can_afford_runs, slowest
from autosota.agents.scheduler.state import CampaignState

IDLE_PAIRS = 2
"""Pairs of an idea where the seeds do nothing: the second only shows that they still do not."""

SAME_PAIRS = 2
"""Pairs that are the same to the last digit, after which a change is said to change nothing."""

ANCHOR_AFTER = 6
"""Runs after which a reference is run once more: has the machine drifted since?"""

DRIFTED = 0.5
"""Sds of a paired difference by which a repeated reference may differ and still count."""


def patch_of(state: CampaignState, commit: str) -> Patch | None:
    """The patch whose result is a commit."""
    return next((p for p in state.patches.values() if p.commit == commit), None)


def too_dear(state: CampaignState, commit: str) -> str:
    """R4 in search: why the compute of a commit can never be confirmed; '' when it may.

    Runs of the search are not back to back, so only twice what the confirmation will allow ends
    an idea here. Against the base, as the confirmation is.
    """
    base = state.start.base_commit
    pairs = [
        (before, after)
        for seed in (*state.objective.seeds, *state.more_seeds(len(state.objective.seeds)))
        if (before := state.search_run(base, seed)) is not None
        and (after := state.run(Purpose.SEARCH, commit, seed)) is not None
        and before.outcome is Outcome.OK is after.outcome
    ]
    if not pairs:
        return ""
    for guard in state.objective.guards:
        if guard.name in guards.TIMED:
            outcome = guards.check(guards.doubled(guard), pairs)
            if not outcome.held:
                why = f"{guard.name} {guards.change_text(outcome)}"
                return f"R4: {why} ({guards.limit_text(guard)} allowed)"
    if allows_compute(state) or can_match(state):
        return ""
    more = statistics.median([compute_of(b) - compute_of(a) for a, b in pairs])
    usual = statistics.median([compute_of(a) for a, _ in pairs])
    if more <= 2 * LEAST_SECONDS or more <= 2 * MORE_COMPUTE * usual:
        return ""
    return (
        f"R4: it takes {more / usual:+.0%} compute; allow it with objective.guard.wall_seconds, "
        "or set controls.compute_knob so that a baseline of equal compute can be run"
    )


class Failed:
    """A race that ended without an answer: why, and what that makes of the idea."""

    def __init__(self, fate: Fate, reason: str) -> None:
        self.fate, self.reason = fate, reason


def race(
    state: CampaignState,
    reference: str,
    commit: str,
    side: str,
    seeds: tuple[int, ...],
    *,
    whole: bool = False,
) -> Execute | Failed | racing.Standing:
    """The next run of a comparison in the search, or how it ended.

    Args:
        state: the campaign's.
        reference: the commit to beat; its missing seeds are run, too.
        commit: the candidate's.
        side: the candidate's patch, for the ledger.
        seeds: the common seeds, in the order they are spent.
        whole: spend all seeds (an ablation wants an estimate, not a decision).
    """
    seeds = seeds[:IDLE_PAIRS] if seeds_are_idle(state) else seeds
    found: list[float] = []
    same = 0
    level = racing.screen_level(len(state.looked_at | {commit}))
    stale = _stale_before(state, reference, seeds[0])
    if not state.history(commit, seeds[0]) and _needs_anchor(state, reference, seeds[0]):
        return _repeat(state, reference, seeds[0])
    for seed in seeds:
        run = state.run(Purpose.SEARCH, commit, seed)
        before = state.search_run(reference, seed)
        times = state.history(reference, seed)
        if run is None and times and times[-1][0] < stale:
            before = None  # measured on another machine, so to say: it has drifted since
        if run is None or before is None:
            standing = None
            if found and not whole:
                standing = racing.standing(found, noise_of(state, found), len(seeds), level)
            if standing not in (None, racing.Standing.OPEN):
                assert standing is not None
                return standing
            if not can_afford_runs(state, 1, confirm=True):
                if found:
                    return racing.Standing.FUTILE
                return Failed(Fate.NOISE, "the budget ended before it was measured")
            if before is None:
                return _repeat(state, reference, seed)
            pruning = _pruning(state) if not whole else None
            limit = slowest(state)
            return Execute(Purpose.SEARCH, side, commit, seed, pruning=pruning, limit=limit)
        if run.outcome is Outcome.PRUNED:
            return Failed(Fate.NOISE, f"ended early: {run.reason}")
        if run.outcome is Outcome.TOO_SLOW:
            return Failed(Fate.FAILED, f"too slow: {run.reason}")
        if run.outcome is not Outcome.OK:
            if run.outcome in FLAKY and run.attempt == 0 and found:
                limit = slowest(state)
                return Execute(Purpose.SEARCH, side, commit, seed, attempt=1, limit=limit)
            return Failed(Fate.FAILED, f"{run.outcome}: {run.reason}")
        if before.outcome is not Outcome.OK:
            continue  # the reference failed with this seed: nothing to compare
        old = before.metrics.get(state.objective.select_on)
        new = run.metrics.get(state.objective.select_on)
        assert old is not None and new is not None  # an OK run has its metrics
        found.append(state.objective.direction.sign * (new - old))
        same += _is_same(state, before, run)
        if same == len(found) == SAME_PAIRS:
            return racing.Standing.FUTILE  # `changes_nothing` says why
    if not found:
        return Failed(Fate.FAILED, "no seed on which both sides ran")
    return racing.standing(found, noise_of(state, found), len(found), level)


def _is_same(state: CampaignState, before: ev.RunFinished, after: ev.RunFinished) -> bool:
    """True when two runs gave the same to the last digit, on the way, too; the claim is not read.

    The baseline's own runs hold it, runs of the search do not.
    """
    hidden = state.objective.tells_of_claim
    one, other = (
        {k: v for k, v in run.metrics.items() if not hidden(k)} for run in (before, after)
    )
    return one == other and before.intermediate == after.intermediate


def changes_nothing(state: CampaignState, reference: str, commit: str) -> str:
    """Why a commit is taken to do what its reference does; '' when it does not.

    Every metric that the search may see is the same to the last digit in the first pairs. (A
    coarse metric may hide a change, but then a gain that is worth a confirmation it is not.)
    """
    pairs = state.search_pairs(reference, commit)
    if len(pairs) < SAME_PAIRS or not all(_is_same(state, a, b) for a, b in pairs):
        return ""
    return f"changed nothing: {len(pairs)} pairs are the same to the last digit"


def _repeat(state: CampaignState, commit: str, seed: int) -> Execute:
    """Run a reference (again) in the search."""
    purposes = [run for _, run in state.history(commit, seed) if run.purpose is Purpose.SEARCH]
    side = side_of(state, commit)
    return Execute(Purpose.SEARCH, side, commit, seed, attempt=len(purposes))


def _needs_anchor(state: CampaignState, reference: str, seed: int) -> bool:
    """True when a reference was last run so long ago that the machine may have drifted.

    Each repetition that finds it where it was lets the next one wait twice as long.
    """
    times = state.history(reference, seed)
    if not times or seeds_are_idle(state) or not can_afford_runs(state, 2, confirm=True):
        return False
    steady = sum(place > _stale_before(state, reference, seed) for place, _ in times[1:])
    return len(state.runs) - times[-1][0] > ANCHOR_AFTER << min(20, steady)


def _stale_before(state: CampaignState, reference: str, seed: int) -> int:
    """Runs of a reference before this place in time no longer tell: its anchor has moved."""
    name = state.objective.select_on
    assert state.baseline is not None
    times = state.history(reference, seed)
    if len(times) < 2:
        return 0
    limit = DRIFTED * racing.pooled(state.spread, state.baseline.sd).sd
    stale, trusted = 0, times[0][1].metrics.get(name)
    for place, run in times[1:]:
        now = run.metrics.get(name)
        if now is None or trusted is None or abs(now - trusted) > limit:
            stale, trusted = place, now  # against what still counts: slow drift adds up
    return stale


def compare_search(state: CampaignState, reference: str, commit: str) -> Comparison | None:
    """The search's comparison of two commits, with the moderated p-value; None without pairs.

    Corrected (Bonferroni) for the commits looked at so far.
    """
    name, objective = state.objective.select_on, state.objective
    pairs = state.search_pairs(reference, commit)
    before = [v for a, _ in pairs if (v := a.metrics.get(name)) is not None]
    after = [v for _, b in pairs if (v := b.metrics.get(name)) is not None]
    if not before or len(before) != len(after):
        return None
    tried = max(1, len(state.looked_at))
    result = statistics.compare(name, objective.direction, before, after, corrections=tried)
    sign = objective.direction.sign
    found = [sign * (b - a) for a, b in zip(before, after, strict=True)]
    p = racing.p_value(found, noise_of(state, found))
    corrected = None if p is None else min(1.0, p * tried)
    return replace(result, p_value=p, corrected_p=corrected)


def noise_of(state: CampaignState, own: list[float]) -> racing.Noise:
    """The noise to judge these paired differences by: their own, pooled with the search's."""
    assert state.baseline is not None
    pool = racing.pooled(state.spread, state.baseline.sd)
    return racing.moderated(own, pool)


def _pruning(state: CampaignState) -> Pruning | None:
    """Bounds on intermediate values, once enough whole runs reported them."""
    histories = [r.intermediate for r in state.runs if r.intermediate and r.outcome is Outcome.OK]
    if not histories:
        return None
    from autosota.agents.ideator.tuning import pruning_bounds

    bounds = pruning_bounds(histories, state.objective.direction)
    if not bounds:
        return None
    return Pruning(state.objective.select_on, state.objective.direction, tuple(bounds))


def side_of(state: CampaignState, commit: str) -> str:
    """The side that the ledger knows a commit by."""
    patch = patch_of(state, commit)
    return patch.id if patch is not None else BASELINE
