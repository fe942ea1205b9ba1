"""What a confirmation can be expected to show: shrinkage, power, and how many pairs are needed.

Pure. The effect and its noise are of paired differences, positive is better, in the metric's
unit; how they were measured is not known here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from autosota.agents.scheduler import statistics

WANTED_POWER = 0.80
MOST_PAIRS = 5000

SIZED_FOR = 0.5
"""The share of an effect that decisions build on: what was chosen looks better than it is."""


def shrunken(effect: float, sd: float, pairs: int, effects: Sequence[float]) -> float:
    """An effect that was chosen because it was large, moved towards zero.

    Normal prior centred at 0 whose variance is what the effects of all ideas show beyond noise
    (empirical Bayes; Efron & Morris 1975), and at least the noise of one pair.

    Args:
        effect: mean paired difference of the chosen change.
        sd: of one paired difference.
        pairs: how many the mean is of.
        effects: mean differences of all ideas that were measured.
    """
    error = sd**2 / max(1, pairs)
    if error == 0:
        return effect
    prior = sd**2
    if len(effects) >= 3:
        # never below the noise of one pair: most ideas do nothing, but this one was screened
        prior = max(prior, math.fsum(e * e for e in effects) / len(effects) - error)
    return effect * prior / (prior + error)


def power(effect: float, sd: float, pairs: int, level: float) -> float:
    """The chance that a one-sided paired t test at `level` sees `effect` (noncentral t).

    Zero where the exact sign-flip test cannot reach the level: 2 ** -pairs is its smallest p.
    """
    if effect <= 0 or pairs < 2 or 0.5**pairs > level:
        return 0.0
    if sd == 0:
        return 1.0
    from scipy.special import nctdtr, stdtrit

    away = effect / sd * math.sqrt(pairs)
    if away > 30:
        return 1.0  # the noncentral distribution is no longer computed well, and has no doubt
    return 1.0 - float(nctdtr(pairs - 1, away, float(stdtrit(pairs - 1, 1 - level))))


def pairs_needed(
    effect: float, sd: float, level: float, wanted: float = WANTED_POWER
) -> int | None:
    """The fewest pairs with which `effect` is confirmed with chance `wanted`; None above 5,000."""
    if effect <= 0 or power(effect, sd, MOST_PAIRS, level) < wanted:
        return None
    low, high = 1, 2
    while power(effect, sd, high, level) < wanted:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(effect, sd, middle, level) >= wanted else (middle, high)
    return high


def resolution(sd: float, pairs: int, level: float, wanted: float = WANTED_POWER) -> float:
    """The smallest effect that `pairs` pairs confirm with chance `wanted`, in the unit of `sd`."""
    if sd == 0 or pairs < 2 or 0.5**pairs > level:
        return 0.0 if sd == 0 else math.inf
    low, high = 0.0, sd
    while statistics.is_negligible(sd, [high]) or power(high, sd, pairs, level) < wanted:
        low, high = high, high * 2
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle, sd, pairs, level) >= wanted else (middle, high)
    return high
