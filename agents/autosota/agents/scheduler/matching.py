"""Equal compute: the baseline is given what the candidate spends, and must still be beaten.

Pure. A part of a run is start-up, which the compute knob does not scale, so the knob is calibrated
first: one more run of the baseline at a larger setting (a second, still larger, where noise hides
the difference) gives, with the confirmation's own runs, a fixed cost and a cost per unit. The
baseline then runs at the setting that is predicted to spend what the candidate does. What it
really spent is measured; where that is off, the setting is corrected once, and if it still is, the
control says "not matched" and claims nothing. Compute is CPU seconds (`claims.compute_of`). The
calibration never sees the claim.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from autosota.agents.domain import BASELINE, Outcome, Purpose, Variant
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler import statistics
from autosota.agents.scheduler.actions import Action, Execute, Record
from autosota.agents.scheduler.claims import (
    CALIBRATION,
    CORRECTED,
    FURTHER,
    MATCH_ABOVE,
    MATCHED,
    compute_change,
    compute_of,
    confirm_pairs,
)
from autosota.agents.scheduler.paired import compared, differences, value_of
from autosota.agents.scheduler.spending import can_afford_runs, seconds_left
from autosota.agents.scheduler.state import CampaignState

LARGER = 4.0
"""The calibration run has this many times the knob's present value, where time allows it."""

LEAST_LARGER = 1.5
"""Less than that would not tell the cost of a unit from noise."""

TIMEOUT_SHARE = 0.8
"""The share of `objective.timeout` that the calibration run may be expected to take."""

SLOPE_SDS = 3.0
"""Sds of the baseline's own runs by which the larger setting must take longer."""

SLOPE_SHARE = 0.02
"""And at least this share of a run."""

OVER = 0.25
"""A baseline that spent more than the candidate by this share, and wins, is no match either."""

LEAST_LEFT = 0.5
"""A gain of which less than this share is left at equal compute is a gain of compute."""

FIRST_LOOK = 2
"""Matched runs after which their compute is looked at: a wrong setting is not run to the end."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a run of the baseline costs: `fixed + per_unit * setting` seconds of compute.

    `now` and `larger` are the settings that were measured, `seconds` what they took; `why` says
    why the fit cannot be used ('' when it can).
    """

    now: float
    larger: float
    seconds: tuple[float, float]
    fixed: float
    per_unit: float
    why: str = ""

    def setting_for(self, seconds: float) -> float:
        """The smallest setting that is predicted to take this long; whole where the knob is."""
        return _rounded((seconds - self.fixed) / self.per_unit, self.now)


def is_needed(state: CampaignState) -> bool:
    """True when the candidate spends so much more that the baseline must be given as much."""
    change = compute_change(state)
    knob = state.objective.controls.compute_knob
    return knob is not None and change is not None and change > MATCH_ABOVE


def next_step(state: CampaignState) -> Action | None:
    """The next run of the control, or its judgement; None when there is nothing to match.

    Without a knob there is nothing to match it with, either: `claims` says so.
    """
    plan = state.plan
    assert plan is not None
    if not is_needed(state):
        return None
    problem = _no_setting(state)
    if problem:
        return _unknown(problem)
    base = state.start.base_commit
    for name in (CALIBRATION, FURTHER):
        variant = calibration_variant(state, name)
        found = calibration(state)
        if name == FURTHER and (variant is None or found is None or not found.why):
            break  # the first run told it, or could not be run, or there is no time for another
        done = state.run(Purpose.CONTROL, base, plan.seeds[0], name)
        if done is None:
            if variant is None or not _affordable(state, len(plan.seeds) + 1):
                return _unknown(f"the budget left no room for {len(plan.seeds) + 1} more runs")
            return Execute(Purpose.CONTROL, BASELINE, base, plan.seeds[0], variant)
        if done.outcome is not Outcome.OK and variant is not None:
            outcome = done.outcome.replace("_", " ")
            return _unknown(f"not matched: {variant.arguments}: {outcome}: {done.reason}")
    found = calibration(state)
    assert found is not None
    if found.why:
        return _unknown(found.why)
    variant = matched_variant(state)
    assert variant is not None
    missing = []
    for seed in plan.seeds:
        done = state.run(Purpose.CONTROL, base, seed, variant.name)
        if done is None:
            missing.append(seed)
        elif done.outcome is not Outcome.OK:
            return _unknown(
                f"{variant.arguments}, seed {seed}: {done.outcome.replace('_', ' ')}: {done.reason}"
            )
    if missing and not _affordable(state, len(missing)):
        return _unknown(f"the budget left no room for {len(missing)} more runs")
    if missing:
        return Execute(Purpose.CONTROL, BASELINE, base, missing[0], variant)
    judged = judge(state)
    assert judged is not None
    return Record(judged)


def judge(state: CampaignState) -> ev.ControlJudged | None:
    """The candidate against the baseline at equal compute, on the claim and the same seeds."""
    plan, metric, variant = state.plan, state.objective.metric, matched_variant(state)
    used = spent(state)
    if plan is None or variant is None or used is None:
        return None
    base = state.start.base_commit
    pairs = [
        (
            value_of(state, Purpose.CONTROL, base, seed, variant.name, metric),
            value_of(state, Purpose.CONFIRM, plan.commit, seed, "", metric),
        )
        for seed in plan.seeds
    ]
    result = compared(state, metric, pairs, confidence=0.90)
    if result is None or result.difference is None:
        return None
    gain = f"{result.difference:+.4g}"
    if result.low is not None and result.high is not None:
        gain += f" (90 % interval {result.low:+.4g} to {result.high:+.4g})"
    took, wanted = used
    times = f"{variant.arguments}: {took:.3g} s of compute, the candidate's {wanted:.3g} s"
    plain = statistics.mean(differences(state, metric))
    better = result.difference > 0 and (result.low is None or result.low > 0)
    holds = better and result.difference >= LEAST_LEFT * plain
    if took < (1.0 - MATCH_ABOVE) * wanted if holds else took > (1.0 + OVER) * wanted:
        # a gain over less compute, or none over more, says nothing of equal compute
        why = f"not matched: the baseline with {times}; {gain} is not at equal compute"
        return ev.ControlJudged(MATCHED, None, why, result)
    if holds:
        why = f"the gain holds at equal compute: {gain} over the baseline with {times}"
        return ev.ControlJudged(MATCHED, True, why, result)
    share = "most of the gain" if better else "the gain"
    why = (
        f"{share} vanishes at equal compute: {plain:+.4g} over the baseline, {gain} over the "
        f"baseline with {times}"
    )
    return ev.ControlJudged(MATCHED, False, why, result)


# ------------------------------------------------------------------ settings


def calibration_variant(state: CampaignState, name: str = CALIBRATION) -> Variant | None:
    """The baseline with a larger setting of the knob; None when there is no time for one.

    The further one, where the first did not take longer beyond noise, starts from the first.
    """
    now, pairs = _now(state), confirm_pairs(state)
    if now is None or now <= 0 or not pairs:
        return None
    start, usual = now, statistics.median([before.wall_seconds for before, _ in pairs])
    if name == FURTHER:
        first, run = calibration_variant(state), _calibration_run(state, CALIBRATION)
        if first is None or run is None:
            return None
        start, usual = _setting_of(first), run.wall_seconds
    room = TIMEOUT_SHARE * state.objective.timeout_seconds
    # what the budget left when the calibration was run: a later state must say the same
    left = state.objective.budget.wall_seconds
    for done in state.runs:
        if done.variant == name:
            break
        left -= done.wall_seconds
    candidate = statistics.median([after.wall_seconds for _, after in pairs])
    room = min(room, left - len(pairs) * candidate)
    times = min(LARGER, room / usual) if usual > 0 else LARGER
    if times < LEAST_LARGER:
        return None
    return _variant(state, name, _rounded(times * start, now))


def calibration(state: CampaignState) -> Calibration | None:
    """The cost of a run by the knob's setting; None until a calibration run ended well."""
    now = _now(state)
    name = CALIBRATION if _calibration_run(state, FURTHER) is None else FURTHER
    run, variant = _calibration_run(state, name), calibration_variant(state, name)
    if now is None or run is None or variant is None:
        return None
    larger = _setting_of(variant)
    own = [compute_of(before) for before, _ in confirm_pairs(state)]
    short, long = statistics.median(own), compute_of(run)
    # the spread of single runs, by the median deviation: one that was disturbed does not count
    sd = 1.4826 * statistics.median([abs(v - short) for v in own])
    per_unit = (long - short) / (larger - now)
    why = ""
    if long - short <= max(SLOPE_SDS * sd, SLOPE_SHARE * short):
        why = (
            f"not matched: {variant.arguments} takes {long:.3g} s of compute, the baseline "
            f"{short:.3g} s: beyond noise, the knob does not change the time"
        )
    return Calibration(now, larger, (short, long), short - per_unit * now, per_unit, why)


def matched_variant(state: CampaignState) -> Variant | None:
    """The baseline with the candidate's compute: as predicted, or as corrected once."""
    return corrected_variant(state) or first_variant(state)


def first_variant(state: CampaignState) -> Variant | None:
    """The setting that the calibration predicts; None when it cannot be used."""
    found = calibration(state)
    if found is None or found.why or not is_needed(state):
        return None
    return _variant(state, MATCHED, found.setting_for(_wanted(state)))


def corrected_variant(state: CampaignState) -> Variant | None:
    """The setting that the first matched runs ask for; None when they spent what they should."""
    first, found, plan = first_variant(state), calibration(state), state.plan
    if first is None or found is None or plan is None:
        return None
    runs = _compute(state, MATCHED)
    if len(runs) < min(FIRST_LOOK, len(plan.seeds)):
        return None
    took, wanted = statistics.median(runs), _wanted(state)
    if (1.0 - MATCH_ABOVE) * wanted <= took <= (1.0 + OVER) * wanted:
        return None
    setting, short = _setting_of(first), found.seconds[0]
    if took <= short or setting <= found.now:
        return None
    per_unit = (took - short) / (setting - found.now)
    again = _rounded(found.now + (wanted - short) / per_unit, found.now)
    return None if again == setting else _variant(state, CORRECTED, again)


def variant_name(state: CampaignState) -> str:
    """The name of the variant whose runs the control compares."""
    return CORRECTED if corrected_variant(state) is not None else MATCHED


def spent(state: CampaignState) -> tuple[float, float] | None:
    """Median compute of the matched baseline's runs and of the candidate's, in seconds."""
    runs = _compute(state, variant_name(state))
    return (statistics.median(runs), _wanted(state)) if runs else None


# ------------------------------------------------------------------ small things


def _now(state: CampaignState) -> float | None:
    return state.analysed.compute_knob if state.analysed is not None else None


def _wanted(state: CampaignState) -> float:
    """Seconds of compute that the baseline must be given: the candidate's, as a median."""
    return statistics.median([compute_of(after) for _, after in confirm_pairs(state)])


def _compute(state: CampaignState, variant: str) -> list[float]:
    assert state.plan is not None
    base = state.start.base_commit
    runs = [state.run(Purpose.CONTROL, base, seed, variant) for seed in state.plan.seeds]
    return [compute_of(run) for run in runs if run is not None and run.outcome is Outcome.OK]


def _rounded(setting: float, now: float) -> float:
    """A setting of a knob: whole, rounded up, where the present one is whole."""
    return float(math.ceil(setting - 1e-9)) if now == int(now) else setting


def _variant(state: CampaignState, name: str, setting: float) -> Variant:
    knob = state.objective.controls.compute_knob
    assert knob is not None
    # a flag as --epochs 40, a Hydra key as trainer.epochs=40; a count never as 1e+06
    number = f"{setting:.0f}" if setting == int(setting) else f"{setting:.6g}"
    joined = f"{knob.flag} {number}" if knob.flag.startswith("-") else f"{knob.flag}={number}"
    return Variant(name, joined)


def _setting_of(variant: Variant) -> float:
    return float(variant.arguments.replace("=", " ").split()[-1])


def _no_setting(state: CampaignState) -> str:
    """Why the knob cannot be set at all; '' when it can."""
    knob, now = state.objective.controls.compute_knob, _now(state)
    assert knob is not None
    if now is None:
        return f"the present value of {knob.flag} is not known"
    if now <= 0:
        return f"the present value of {knob.flag} is {now:g}, which is no amount"
    return ""


def _calibration_run(state: CampaignState, name: str) -> ev.RunFinished | None:
    """A calibration run that ended well."""
    if state.plan is None:
        return None
    run = state.run(Purpose.CONTROL, state.start.base_commit, state.plan.seeds[0], name)
    return run if run is not None and run.outcome is Outcome.OK else None


def _affordable(state: CampaignState, count: int) -> bool:
    """True when the budget has room for `count` runs as long as the candidate's."""
    each = statistics.median([after.wall_seconds for _, after in confirm_pairs(state)])
    return can_afford_runs(state, count, confirm=False) and seconds_left(state) >= count * each


def _unknown(why: str) -> Record:
    return Record(ev.ControlJudged(MATCHED, None, why))
