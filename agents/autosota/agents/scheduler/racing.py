"""Seeds where the answer is open: when an idea has passed, when it is futile, when to go on.

Pure functions over paired differences (candidate minus reference, positive is better, one per
common seed). Used in the search only, which claims nothing: what passes here is worth a
confirmation. The claim and its seeds are not known here.

The noise of a paired difference is moderated: an idea's own sample variance is pooled with
that of all ideas tried so far (Smyth 2004, Linear models and empirical Bayes methods, section 3),
so that two lucky seeds that happen to agree do not look like certainty. The test is group
sequential: the level is spent over the looks by the power family alpha (n/N)^2 (Kim & DeMets
1987), and the looks are summed (union bound), so the level of a whole race stays below alpha.
Futility does not bind: dropping an idea early can only lower the rate of false keeps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from autosota.agents.scheduler import statistics

FALSE_KEEPS = 1.0
"""How many of the first twenty ideas may be kept without effect, in expectation (per family)."""

LEAST_LEVEL, MOST_LEVEL = 0.05, 0.25
"""No idea is screened harder or softer: beyond twenty looks one more in twenty may be false."""

LEAST_PAIRS = 3
"""No idea is kept on fewer pairs where the objective has more seeds: one seed may be lucky."""

FUTILE = 0.02
"""An idea is dropped once its predictive chance to pass falls below this."""

PRIOR_DF = 2.0
POOL_DF = 8.0
_SPENDING = 2.0


class Standing(Enum):
    """Where a race stands."""

    OPEN = "open"
    PASSED = "passed"
    FUTILE = "futile"


@dataclass(frozen=True, slots=True)
class Noise:
    """The spread of one paired difference, in the metric's unit, and its degrees of freedom."""

    sd: float
    df: float


def spread(groups: Iterable[Sequence[float]]) -> tuple[float, float]:
    """Sum of squares within groups of paired differences, and its degrees of freedom."""
    squares = df = 0.0
    for group in groups:
        if len(group) > 1:
            squares += (len(group) - 1) * statistics.sample_sd(group) ** 2
            df += len(group) - 1
    return squares, df


def pooled(within: tuple[float, float], run_sd: float) -> Noise:
    """The common noise of paired differences.

    Args:
        within: the `spread` of all ideas tried so far.
        run_sd: sample sd of single baseline runs; two independent runs differ by sqrt(2) of it,
            which stands in with `PRIOR_DF` until ideas have shown better.
    """
    squares, df = within
    squares, df = squares + 2.0 * run_sd**2 * PRIOR_DF, df + PRIOR_DF
    return Noise(math.sqrt(squares / df), df)


def moderated(own: Sequence[float], pool: Noise) -> Noise:
    """The noise to judge one idea by: its own, pooled with at most `POOL_DF` of the others'."""
    weight = min(pool.df, POOL_DF)
    squares, df = weight * pool.sd**2, weight
    if len(own) > 1:
        squares += (len(own) - 1) * statistics.sample_sd(own) ** 2
        df += len(own) - 1
    return Noise(math.sqrt(squares / df), df)


def p_value(differences: Sequence[float], noise: Noise) -> float | None:
    """One-sided p of "no gain" by the moderated t test; None without any noise."""
    if not differences or statistics.is_negligible(noise.sd, differences):
        return None
    from scipy.special import stdtr

    t = statistics.mean(differences) / (noise.sd / math.sqrt(len(differences)))
    return float(stdtr(noise.df, -t))


def screen_level(tried: int) -> float:
    """The one-sided level of an idea when `tried` ideas were measured, itself included."""
    return min(MOST_LEVEL, max(LEAST_LEVEL, FALSE_KEEPS / max(1, tried)))


def look_level(level: float, pairs: int, most: int) -> float:
    """What the look after `pairs` of at most `most` pairs may spend of `level`."""
    first = min(LEAST_PAIRS, most)
    if pairs < first:
        return 0.0
    before = (pairs - 1) / most if pairs > first else 0.0
    return level * (math.pow(pairs / most, _SPENDING) - math.pow(before, _SPENDING))


def standing(differences: Sequence[float], noise: Noise, most: int, level: float) -> Standing:
    """Where the race of one idea stands after these pairs.

    Args:
        differences: of the pairs run so far, at least one.
        noise: moderated.
        most: how many pairs the objective's seeds allow.
        level: one-sided, of the whole race.
    """
    pairs = len(differences)
    if statistics.is_negligible(noise.sd, differences):
        # no noise at all: the sign decides, and two pairs are as good as many
        if statistics.mean(differences) <= 0:
            return Standing.FUTILE
        return Standing.PASSED if pairs >= min(2, most) else Standing.OPEN
    p = p_value(differences, noise)
    assert p is not None
    if p <= look_level(level, pairs, most):
        return Standing.PASSED
    if pairs >= most:
        return Standing.FUTILE
    futile = chance_to_pass(differences, noise, most, level) < FUTILE
    return Standing.FUTILE if futile else Standing.OPEN


def chance_to_pass(differences: Sequence[float], noise: Noise, most: int, level: float) -> float:
    """Predictive probability that the mean over all `most` pairs passes the last look.

    With a normal prior for the effect, centred at 0 with the noise's own spread (Spiegelhalter,
    Freedman & Blackburn 1986).
    """
    from scipy.special import ndtr, ndtri

    done, left = len(differences), most - len(differences)
    seen = statistics.mean(differences)
    guess = seen * done / (done + 1)
    expected = (done * seen + left * guess) / most
    spread = noise.sd * math.sqrt(left**2 / (done + 1) + left) / most
    needed = -float(ndtri(look_level(level, most, most))) * noise.sd / math.sqrt(most)
    return float(ndtr((expected - needed) / spread))
