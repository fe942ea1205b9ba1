"""What a confirmation costs and what it can show, in words: before it, and after it.

Prices come from the plan that the scheduler made, spendings from finished runs. Whether a
confirmation is worth its price is the reader's to say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from autosota.agents.domain import Purpose
from autosota.agents.scheduler import power, racing, statistics
from autosota.agents.scheduler.claims import MATCH_ABOVE, can_match, search_compute_change
from autosota.agents.scheduler.events import ConfirmationPlanned, RunFinished
from autosota.agents.scheduler.state import CampaignState
from autosota.server.report.formats import (
    chance_words,
    count,
    decimals_for,
    duration,
    fixed,
    one_line,
    roughly,
    spelled,
)
from autosota.server.report.pairs import Pair, compare_pairs, confirm_pairs

SMALL_GAIN = 0.01
"""The gain that a campaign without one is asked about: 1 % of the baseline."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a gain would need: paired fresh seeds (None: out of reach) and seconds in runs."""

    gain: float
    pairs: int | None
    seconds: float | None


def price_words(plan: ConfirmationPlanned, state: CampaignState) -> str:
    """`20 runs, about 190 s; if the claim passes, 11 runs of controls, …; chance to confirm …`.

    Args:
        plan: what was planned.
        state: with the plan folded in.
    """
    return f"the confirmation takes {cost_words(plan)}{_controls_words(plan, state)}; " + chance_of(
        plan
    )


def cost_words(plan: ConfirmationPlanned) -> str:
    """`20 runs, about 190 s`, and the dollars where a model has a price."""
    dollars = f", ${plan.dollars:.2f}" if plan.dollars else ""
    return f"{count(plan.evaluations, 'run')}, about {roughly(plan.expected_seconds)}{dollars}"


def controls_cost_words(plan: ConfirmationPlanned) -> str:
    """`11 runs, about 60 s`; '' where a ledger does not say what was expected."""
    if not plan.controls:
        return ""
    return f"{count(plan.controls, 'run')}, about {roughly(plan.control_seconds)}"


def _controls_words(plan: ConfirmationPlanned, state: CampaignState) -> str:
    cost = controls_cost_words(plan)
    if not cost:
        return ""
    more = search_compute_change(state)
    matched = ""
    if can_match(state) and more is not None and more > MATCH_ABOVE:
        matched = ", its calibration and the baseline of equal compute included"
    return f", and if the claim passes, its controls {cost}{matched}"


def chance_of(plan: ConfirmationPlanned) -> str:
    """The power of a planned confirmation for the effect that search saw, shrunken."""
    if plan.note:
        return f"its chance is not known: {one_line(plan.note, 600)}"
    if plan.effect is None or plan.power is None:
        return "its chance is not known: the noise of a paired difference was not measured"
    effect = fixed(plan.effect, decimals_for(abs(plan.effect), plan.effect), signed=True)
    text = (
        f"chance to confirm the effect seen ({effect} after shrinkage): {chance_words(plan.power)}"
    )
    if plan.pairs_needed is None:
        return (
            f"{text}; no number of seeds within reach would give {100 * power.WANTED_POWER:.0f} %"
        )
    pairs = count(plan.pairs_needed, "pair")
    return f"{text}; {100 * power.WANTED_POWER:.0f} % would need {pairs}"


def spent_words(state: CampaignState) -> str:
    """What was spent beside what was expected, a part at a time; '' before any of them ran."""
    plan = state.plan
    expected = {}
    if plan is not None:
        expected[Purpose.CONFIRM] = (plan.evaluations, plan.expected_seconds)
        if plan.controls:
            expected[Purpose.CONTROL] = (plan.controls, plan.control_seconds)
    parts = []
    for purpose, name in (
        (Purpose.CONFIRM, "confirmation"),
        (Purpose.CONTROL, "controls"),
        (Purpose.TRANSFER, "transfer"),
    ):
        runs = [run for run in state.runs if run.purpose is purpose]
        if not runs:
            continue
        text = f"{name} {count(len(runs), 'run')}, {duration(seconds_of(runs))}"
        if purpose in expected:
            many, seconds = expected[purpose]
            text += f" (expected: {count(many, 'run')}, {roughly(seconds)})"
        parts.append(text)
    return "; ".join(parts)


def seconds_of(runs: Sequence[RunFinished]) -> float:
    """The sum of their wall seconds."""
    return math.fsum(run.wall_seconds for run in runs)


def small_gain_needs(state: CampaignState) -> Need | None:
    """What confirming a gain of 1 % would need here; None where the noise is not known.

    The noise is the sd of paired differences: of the claim where it was read for a decision,
    else of the search metric, pooled over the ideas that were measured. The gain is 1 % of
    the same metric's baseline, so that both are in one unit.
    """
    measured = state.baseline
    if measured is None or math.isnan(measured.mean):
        return None
    sd, level = _claim_noise(state) or (_search_noise(state), measured.mean)
    if sd <= 0 or level == 0:
        return None
    gain = SMALL_GAIN * abs(level)
    alpha = statistics.confirmation_level(_next_attempt(state))
    pairs = power.pairs_needed(gain, sd, alpha)
    seconds = None if pairs is None else 2 * pairs * measured.seconds_per_run
    return Need(gain, pairs, seconds)


def small_gain_words(state: CampaignState) -> str:
    """`a gain of 1 % would need 31 seeds, 2.2 hours`; '' before a baseline was measured."""
    need = small_gain_needs(state)
    head = f"a gain of {100 * SMALL_GAIN:.0f} %"
    if need is None:
        known = state.baseline is not None and not math.isnan(state.baseline.mean)
        return f"what {head} would need is not known, as its noise is not" if known else ""
    if need.pairs is None or need.seconds is None:
        return f"{head} is out of reach of any number of seeds that one could run here"
    return f"{head} would need {count(need.pairs, 'seed')}, {spelled(need.seconds)}"


# ------------------------------------------------------------------ inside


def _claim_noise(state: CampaignState) -> tuple[float, float] | None:
    judged = state.confirmation
    if judged is None or judged.comparison is None:
        return None
    metric, pairs = state.objective.metric, confirm_pairs(state)
    result = compare_pairs(metric, state, pairs)
    if result is None or result.pairs < 2 or result.baseline_mean is None:
        return None
    return statistics.sample_sd(_differences(metric, pairs)), result.baseline_mean


def _search_noise(state: CampaignState) -> float:
    """The pooled sd of paired differences on the search metric: of ideas, and of the baseline."""
    assert state.baseline is not None
    return racing.pooled(state.spread, state.baseline.sd).sd


def _differences(metric: str, pairs: Sequence[Pair]) -> list[float]:
    both = [(a.metrics.get(metric), b.metrics.get(metric)) for a, b in pairs]
    return [b - a for a, b in both if a is not None and b is not None]


def _next_attempt(state: CampaignState) -> int:
    read = any(r.purpose is Purpose.CONFIRM for r in state.reads)
    return state.start.prior_confirmations + 1 + read
