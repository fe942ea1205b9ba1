"""Phase 4: the optimum against the base on fresh seeds, and one read of the claim per side.

Pure. The number of pairs is fixed before the first runs, so the test on the claim is one look of
fixed size. Half-way a look at the search metric may end it as futile: it spends no error, as
nothing can be claimed by it. The k-th confirmation that was ever planned for a claim in this
ledger is held to alpha/(k(k+1)), one-sided (`statistics`). After the claim has passed, the controls
run (`controls`); only then is it judged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from autosota.agents.domain import (
    BASELINE,
    CampaignVerdict,
    Comparison,
    Fate,
    Outcome,
    Purpose,
)
from autosota.agents.scheduler import controls, guards, matching, power, racing, select, statistics
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.actions import Action, CompareOutcomes, Execute, Record
from autosota.agents.scheduler.baseline import claim_is_still
from autosota.agents.scheduler.claims import (
    LEAST_SECONDS,
    MATCH_ABOVE,
    MATCHED,
    MORE_COMPUTE,
    allows_compute,
    can_match,
    compute_change,
    compute_of,
    confirm_pairs,
    sampling,
    search_compute_change,
)
from autosota.agents.scheduler.ending import finish, least_evaluations, why_no_gain
from autosota.agents.scheduler.search import ideas_of
from autosota.agents.scheduler.spending import NULL_PAIRS, confirmation_pairs, run_seconds, slowest
from autosota.agents.scheduler.state import CampaignState
from autosota.agents.scheduler.trial import compare_search

FUTILITY_LOOK = 0.5
"""The share of the pairs after which a confirmation without any gain in search is given up."""


SURE_POWER = 0.95
"""The chance of success that a confirmation is sized for."""

STILL_PAIRS = 2
"""Fresh pairs after which a claim that does not vary with the seed is said not to."""

REMEDY = (
    "save per-example outcomes and name them in objective.outcomes, so that the test examples are "
    "resampled, or let autosota split offer repeated validation, where the seed draws the rows"
)
"""What makes a claim testable that seeds do not move."""

HOPE = 0.5
"""Where nothing was kept, the most promising idea is confirmed if its chance is this good."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What the search saw of the optimum, per paired difference of the search metric."""

    seen: float
    shrunken: float
    sd: float
    pairs: int


def plan(state: CampaignState) -> Action:
    """The search is over: plan the confirmation of what it kept, or say that nothing helped."""
    if state.best is None:
        hope = _most_promising(state)
        if hope is not None:
            return Record(hope)
        return Record(finish(state, CampaignVerdict.NO_GAIN, why_no_gain(state)))
    most = confirmation_pairs(state)
    if most == 0:
        need = least_evaluations(state)
        reason = f"no budget for a confirmation: set budget.evaluations to {need} or more"
        return Record(finish(state, CampaignVerdict.PROVISIONAL, reason))
    attempt = state.start.prior_confirmations + 1
    pairs = planned_pairs(state, most)
    fresh = state.seeds_from((attempt - 1) * state.objective.confirm_seeds, pairs)
    level = statistics.confirmation_level(attempt)
    effect = planned_effect(state)
    still = _cannot_be_tested(state)
    known = effect is not None and effect.sd > 0 and not still
    cost, time = _controls_price(state, pairs)
    return Record(
        ev.ConfirmationPlanned(
            attempt=attempt,
            patch=state.best.patch,
            commit=state.best.commit,
            seeds=fresh,
            evaluations=2 * pairs,
            expected_seconds=pairs * (run_seconds(state) + _seconds_of_best(state)),
            effect=effect.shrunken if effect is not None else None,
            sd=effect.sd if effect is not None else None,
            power=power.power(effect.shrunken, effect.sd, pairs, level)
            if known and effect is not None
            else None,
            pairs_needed=power.pairs_needed(effect.shrunken, effect.sd, level)
            if known and effect is not None
            else None,
            controls=cost,
            control_seconds=time,
            note=still,
        )
    )


def _cannot_be_tested(state: CampaignState) -> str:
    """Why no chance of success can be told before the confirmation; '' when it can."""
    if not claim_is_still(state) or state.objective.outcomes:
        return ""
    return (
        f"{state.objective.metric} did not vary over the baseline's seeds, so pairs of seeds may "
        f"not be able to test it: it ends after {STILL_PAIRS} pairs if the candidate's does not "
        f"vary either; {REMEDY}"
    )


def _controls_price(state: CampaignState, pairs: int) -> tuple[int, float]:
    """Runs and seconds of the controls, should the claim pass."""
    declared, base, best = state.objective.controls, run_seconds(state), _seconds_of_best(state)
    permuted = NULL_PAIRS * ((declared.labels is not None) + (declared.inputs is not None))
    runs, seconds = NULL_PAIRS + permuted + 1, NULL_PAIRS * base + (permuted + 1) * best
    more = search_compute_change(state)
    if can_match(state) and more is not None and more > MATCH_ABOVE:
        runs, seconds = runs + 1 + pairs, seconds + matching.LARGER * base + pairs * best
    return runs, seconds


def _most_promising(state: CampaignState) -> ev.BestMoved | None:
    """The idea that came closest, where none was kept: its confirmation was put aside anyway.

    Screening only chooses; whether it is a gain the claim decides, on fresh seeds.
    """
    pairs = confirmation_pairs(state)
    level = statistics.confirmation_level(state.start.prior_confirmations + 1)
    for idea in select.promising(state):
        patch = state.patches.get(state.patch_on(idea, state.optimum) or "")
        judged = state.judged[idea].comparison
        if patch is None or judged is None or judged.difference is None or state.baseline is None:
            continue
        sd = racing.pooled(state.spread, state.baseline.sd).sd
        effect = power.shrunken(judged.difference, sd, judged.pairs, [])
        if sd > 0 and power.power(effect, sd, pairs, level) >= HOPE:
            return ev.BestMoved(patch.commit, patch.id, ideas_of(state, patch.commit))
    return None


def planned_pairs(state: CampaignState, most: int) -> int:
    """How many pairs the confirmation takes, fixed before its first run.

    As many as give `power.SIZED_FOR` of the effect seen in search a chance of `SURE_POWER`, but
    at least half of `objective.confirm_seeds`, at least `statistics.LEAST_CONFIRM_PAIRS`, and at
    most what seeds and budget allow.
    """
    effect = planned_effect(state)
    if effect is None or effect.sd <= 0:
        return most
    level = statistics.confirmation_level(state.start.prior_confirmations + 1)
    needed = power.pairs_needed(power.SIZED_FOR * effect.shrunken, effect.sd, level, SURE_POWER)
    least = max(statistics.LEAST_CONFIRM_PAIRS, math.ceil(state.objective.confirm_seeds / 2))
    return most if needed is None else min(most, max(needed, least))


def planned_effect(state: CampaignState) -> Effect | None:
    """The optimum over the base in search, shrunken for having been chosen; None: not measured."""
    best, found = state.best, state.baseline
    if best is None or found is None:
        return None
    base = state.start.base_commit
    result, lost = compare_search(state, base, best.commit), 0.0
    if result is None and state.ablation is not None:
        # a reduced patch ran beside the whole only: the whole's gain, less what was dropped
        result = compare_search(state, base, state.ablation.commit)
        gone = [p.comparison for p in state.pieces.values() if not p.needed]
        lost = math.fsum(c.difference or 0.0 for c in gone if c is not None)
    if result is None or result.difference is None:
        return None
    pool = racing.pooled(state.spread, found.sd)
    means = [statistics.mean(group) for group in state.differences.values()]
    small = power.shrunken(result.difference - lost, pool.sd, result.pairs, means)
    return Effect(result.difference - lost, small, pool.sd, result.pairs)


def _seconds_of_best(state: CampaignState) -> float:
    assert state.best is not None
    runs = [r for r in state.runs if r.commit == state.best.commit and r.outcome is Outcome.OK]
    return statistics.median([r.wall_seconds for r in runs]) if runs else run_seconds(state)


# ------------------------------------------------------------------ on fresh seeds


def next_step(state: CampaignState, planned: ev.ConfirmationPlanned) -> Action:
    """Paired, back to back, in alternating order; then the claim; then the controls."""
    base = state.start.base_commit
    look = max(2, round(FUTILITY_LOOK * len(planned.seeds)))
    for index, seed in enumerate(planned.seeds):
        if index == STILL_PAIRS and (still := _still(state)):
            return _judge_still(state, planned, still)
        if index == look and (futile := _futile(state)) is not None:
            return Record(_judged(planned, Fate.NOISE, futile))
        order = [(BASELINE, base), (planned.patch, planned.commit)]
        for side, commit in order if index % 2 == 0 else reversed(order):
            run = state.run(Purpose.CONFIRM, commit, seed)
            if run is None:
                if state.wall_seconds >= state.objective.budget.wall_seconds:
                    why = "the wall budget ended before the confirmation did"
                    return Record(finish(state, CampaignVerdict.PROVISIONAL, why))
                limit = None if side == BASELINE else slowest(state)
                return Execute(Purpose.CONFIRM, side, commit, seed, limit=limit)
            if run.outcome is not Outcome.OK:
                # a side that cannot run on a fresh seed is not confirmed, whichever side it is
                outcome = run.outcome.replace("_", " ")
                why = f"{side} failed with fresh seed {seed}: {outcome}: {run.reason}"
                return Record(_judged(planned, Fate.FAILED, why))
    if state.objective.outcomes and state.outcomes is None:
        level = statistics.confirmation_level(planned.attempt)
        return CompareOutcomes(planned.patch, 1 - 2 * level)
    for side in (BASELINE, planned.patch):
        if not any(r.purpose is Purpose.CONFIRM and r.side == side for r in state.reads):
            return Record(ev.ClaimRead(side, Purpose.CONFIRM, planned.seeds))
    result = compare_claim(state)
    held = tuple(guards.check(g, confirm_pairs(state)) for g in state.objective.guards)
    fate, reason = read(state, result, held)
    if fate is Fate.CONFIRMED:
        step = controls.next_step(state)
        if step is not None:
            return step
        fate, reason = _controlled(state, reason)
    return Record(_judged(planned, fate, reason, result, held))


def _judged(
    planned: ev.ConfirmationPlanned,
    fate: Fate,
    reason: str,
    comparison: Comparison | None = None,
    held: tuple[ev.GuardResult, ...] = (),
) -> ev.ConfirmationJudged:
    return ev.ConfirmationJudged(planned.attempt, planned.patch, fate, reason, comparison, held)


def _still(state: CampaignState) -> str:
    """Why more pairs cannot test the claim either, from its spread alone; '' when they may.

    Only whether it varies is looked at, and all that can follow is that nothing is confirmed, so
    this spends no error.
    """
    objective = state.objective
    if not claim_is_still(state) or objective.outcomes:
        return ""
    sides = zip(*confirm_pairs(state), strict=True)
    values = [
        [v for r in side if (v := r.metrics.get(objective.metric)) is not None] for side in sides
    ]
    if not values or not all(statistics.is_negligible(statistics.sample_sd(v), v) for v in values):
        return ""
    return (
        f"{objective.metric} is the same with every seed on both sides, so pairs of seeds cannot "
        f"tell a gain from luck; {REMEDY}"
    )


def _judge_still(state: CampaignState, planned: ev.ConfirmationPlanned, why: str) -> Action:
    """The claim, read on the few pairs there are; nothing is confirmed by it."""
    for side in (BASELINE, planned.patch):
        if not any(r.purpose is Purpose.CONFIRM and r.side == side for r in state.reads):
            return Record(ev.ClaimRead(side, Purpose.CONFIRM, planned.seeds[:STILL_PAIRS]))
    result = compare_claim(state)
    held = tuple(guards.check(g, confirm_pairs(state)) for g in state.objective.guards)
    fate, reason = read(state, result, held)
    if fate is Fate.PROVISIONAL:
        reason = why
    elif result.difference == 0:
        reason = f"{result.metric} is the same on both sides, with every seed; {REMEDY}"
    return Record(_judged(planned, fate, reason, result, held))


def _futile(state: CampaignState) -> str | None:
    """Why the rest of the pairs would be wasted, from the search metric on the fresh seeds."""
    objective = state.objective
    found = []
    for before, after in confirm_pairs(state):
        old = before.metrics.get(objective.select_on)
        new = after.metrics.get(objective.select_on)
        if old is not None and new is not None:
            found.append(objective.direction.sign * (new - old))
    if not found or statistics.mean(found) > 0:
        return None
    mean = statistics.mean(found)
    return (
        f"{objective.select_on} did not improve over the first {len(found)} fresh pairs "
        f"({mean:+.4g}), so the claim was not read"
    )


def compare_claim(state: CampaignState) -> Comparison:
    """The claim on both sides over the fresh seeds; covers training noise only.

    Raises:
        ValueError: no confirmation was planned.
    """
    planned, objective = state.plan, state.objective
    if planned is None:
        raise ValueError("no confirmation was planned")
    level = statistics.confirmation_level(planned.attempt)
    pairs = confirm_pairs(state)
    before = [v for a, _ in pairs if (v := a.metrics.get(objective.metric)) is not None]
    after = [v for _, b in pairs if (v := b.metrics.get(objective.metric)) is not None]
    return statistics.compare(
        objective.metric,
        objective.direction,
        before,
        after,
        confidence=1 - 2 * level,
        exact=True,
    )


def read(
    state: CampaignState, result: Comparison, held: tuple[ev.GuardResult, ...]
) -> tuple[Fate, str]:
    """What the claim says, before the controls."""
    objective, planned = state.objective, state.plan
    assert planned is not None and result.difference is not None
    level = statistics.confirmation_level(planned.attempt)
    broken = next((g for g in held if not g.held), None)
    if broken is not None:
        why = f"R4: {broken.name} {guards.change_text(broken)} ({broken.limit} allowed)"
        return Fate.GUARDED, why
    if result.difference <= 0:
        return Fate.NOISE, f"{objective.metric} did not improve on fresh seeds"
    rows = sampling(state)
    if result.p_value is None and rows is None:
        return Fate.PROVISIONAL, result.note
    if result.p_value is not None and (
        result.low is None or result.low <= 0 or result.p_value > level
    ):
        return Fate.NOISE, "the interval covers zero on fresh seeds"
    if objective.selects_on_claim:
        return (
            Fate.PROVISIONAL,
            f"LK112: {objective.metric} was also what the search looked at",
        )
    if rows is not None and (rows.low is None or rows.low <= 0):
        return (
            Fate.PROVISIONAL,
            "beyond training noise, but the interval that also covers the sampling of the "
            f"test set ({rows.low:+.4g} to {rows.high:+.4g}) covers zero"
            if rows.low is not None and rows.high is not None
            else "the sampling of the test set cannot be ruled out",
        )
    return Fate.CONFIRMED, f"better on {result.pairs} fresh paired seeds"


def _controlled(state: CampaignState, reason: str) -> tuple[Fate, str]:
    """The fate once the controls have run: one that failed takes the badge away."""
    for judged in state.controls.values():
        if judged.passed is False:
            name = "" if judged.name == MATCHED else f"{judged.name} control failed: "
            return Fate.PROVISIONAL, f"{name}{judged.reason}"
    matched = state.controls.get(MATCHED)
    if costs_more(state) and (matched is None or matched.passed is None):
        change = compute_change(state)
        assert change is not None
        if matched is not None:
            return Fate.PROVISIONAL, f"R4: it takes {change:+.0%} compute; {matched.reason}"
        return (
            Fate.PROVISIONAL,
            f"R4: it takes {change:+.0%} compute, and no baseline of equal compute was run; set "
            "controls.compute_knob, or allow it with objective.guard.wall_seconds",
        )
    return Fate.CONFIRMED, reason


def costs_more(state: CampaignState) -> bool:
    """True when the candidate spends clearly more compute and no guard of the user allows it."""
    if allows_compute(state):
        return False
    change = compute_change(state)
    return change is not None and change > MORE_COMPUTE and more_seconds(state) > LEAST_SECONDS


def more_seconds(state: CampaignState) -> float:
    """Seconds of compute that a run of the candidate takes more, as a paired median."""
    pairs = confirm_pairs(state)
    if not pairs:
        return 0.0
    return statistics.median([compute_of(b) - compute_of(a) for a, b in pairs])


def ended(state: CampaignState, judged: ev.ConfirmationJudged) -> ev.CampaignFinished:
    """The campaign's last event after its confirmation."""
    verdict = {
        Fate.CONFIRMED: CampaignVerdict.CONFIRMED,
        Fate.PROVISIONAL: CampaignVerdict.PROVISIONAL,
    }.get(judged.fate, CampaignVerdict.NO_GAIN)
    return finish(state, verdict, judged.reason)
