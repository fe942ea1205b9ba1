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
from autosota.agents.scheduler.events import ConfirmationPlanned, RunFinished
from autosota.agents.scheduler.state import CampaignState
from autosota.server.report.formats import (
    chance_words,
    count,
    decimals_for,
    duration,
    fixed,
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


def price_words(plan: ConfirmationPlanned) -> str:
    """`a confirmation takes 20 runs, about 190 s, $0.00; chance to confirm the effect seen …`."""
    return f"a confirmation takes {cost_words(plan)}; {chance_of(plan)}"


def cost_words(plan: ConfirmationPlanned) -> str:
    """`20 runs, about 190 s, $0.00`."""
    runs, time = count(plan.evaluations, "run"), duration(plan.expected_seconds)
    return f"{runs}, about {time}, ${plan.dollars:.2f}"


def chance_of(plan: ConfirmationPlanned) -> str:
    """The power of a planned confirmation for the effect that search saw, shrunken."""
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
    """What the confirmation, its controls and transfers took; '' before any of them ran."""
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
        if purpose is Purpose.CONFIRM and state.plan is not None:
            text += f" ({duration(state.plan.expected_seconds)} were expected)"
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
    if sd is None or sd <= 0 or level == 0:
        return None
    gain = SMALL_GAIN * abs(level)
    alpha = statistics.confirmation_level(_next_attempt(state))
    pairs = power.pairs_needed(gain, sd, alpha)
    seconds = None if pairs is None else 2 * pairs * measured.seconds_per_run
    return Need(gain, pairs, seconds)


def small_gain_words(state: CampaignState) -> str:
    """`a gain of 1 % would need 31 seeds, 2.2 h`; '' where the noise is not known."""
    need = small_gain_needs(state)
    if need is None:
        return ""
    head = f"a gain of {100 * SMALL_GAIN:.0f} %"
    if need.pairs is None or need.seconds is None:
        return f"{head} is out of reach of any number of seeds that one could run here"
    return f"{head} would need {count(need.pairs, 'seed')}, {duration(need.seconds)}"


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


def _search_noise(state: CampaignState) -> float | None:
    """The pooled sd of paired differences on the search metric, over measured ideas."""
    assert state.baseline is not None
    if not state.differences:
        return None
    return racing.pooled(state.spread, state.baseline.sd).sd


def _differences(metric: str, pairs: Sequence[Pair]) -> list[float]:
    both = [(a.metrics.get(metric), b.metrics.get(metric)) for a, b in pairs]
    return [b - a for a, b in both if a is not None and b is not None]


def _next_attempt(state: CampaignState) -> int:
    read = any(r.purpose is Purpose.CONFIRM for r in state.reads)
    return state.start.prior_confirmations + 1 + read
