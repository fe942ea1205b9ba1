"""Paired comparisons over seeds, as pure functions.

Guarantees, as used by `decide`:

- *Screening* (search, on `select_on`): one-sided paired t test, Bonferroni over the ideas
  tried so far, at `SCREEN_ALPHA`. It chooses what is worth confirming; it claims nothing.
- *Confirmation* (on the claim, fresh seeds, one fixed sample size): the one-sided level of
  the k-th confirmation that was ever attempted on a claim is alpha/(k(k+1)), which sums to
  alpha over all k, so the family-wise error over any number of attempts, also over several
  campaigns, is at most `CONFIRM_ALPHA`. Both the t test and the exact sign-flip test must
  pass, so that one lucky seed or a heavy tail cannot carry a gain.

What an interval covers is training noise only: the test set is the same in every pair.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from autosota.agents.domain import Comparison, Direction

SCREEN_ALPHA = 0.20
CONFIRM_ALPHA = 0.05
MINIMUM_CONFIRM_PAIRS = 5
"""Fewer cannot reach one-sided 5 % in the sign-flip test: 2 ** -4 > 0.05."""

LEAST_CONFIRM_PAIRS = 6
"""Fewer cannot pass the sign-flip test at one-sided 0.025, the first confirmation's level."""

_EXACT_PAIRS = 14
_RANDOM_FLIPS = 20_000


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean, exactly rounded."""
    return math.fsum(values) / len(values)


def sample_sd(values: Sequence[float]) -> float:
    """The sample standard deviation (n - 1); 0 for a single value."""
    if len(values) < 2:
        return 0.0
    centre = mean(values)
    return math.sqrt(math.fsum((v - centre) ** 2 for v in values) / (len(values) - 1))


def t_interval(values: Sequence[float], confidence: float) -> tuple[float, float] | None:
    """Student's two-sided interval for a mean; None for fewer than two values."""
    if len(values) < 2:
        return None
    from scipy.special import stdtrit  # scipy costs 80 ms: only when it is needed

    half = float(stdtrit(len(values) - 1, 0.5 + confidence / 2)) * sample_sd(values)
    half /= math.sqrt(len(values))
    centre = mean(values)
    return centre - half, centre + half


def t_p_value(differences: Sequence[float]) -> float | None:
    """One-sided p of "the mean difference is not above 0"; None without variation."""
    sd = sample_sd(differences)
    if len(differences) < 2 or is_negligible(sd, differences):
        return None
    from scipy.special import stdtr

    t = mean(differences) / (sd / math.sqrt(len(differences)))
    return float(stdtr(len(differences) - 1, -t))


def sign_flip_p_value(differences: Sequence[float]) -> float:
    """One-sided exact permutation test of symmetry about 0 (Fisher, 1935).

    All 2^n sign patterns up to n = 14; above, 20,000 patterns from a fixed stream, counting
    the observed one. Ties count against the candidate.
    """
    observed = math.fsum(differences)
    slack = 1e-12 * math.fsum(abs(d) for d in differences)
    n = len(differences)
    if n <= _EXACT_PAIRS:
        sums = [0.0]
        for d in differences:
            sums = [s + d for s in sums] + [s - d for s in sums]
        return sum(s >= observed - slack for s in sums) / (1 << n)
    stream = random.Random(0)
    hits = 1
    for _ in range(_RANDOM_FLIPS):
        bits = stream.getrandbits(n)
        flipped = math.fsum(d if bits >> i & 1 else -d for i, d in enumerate(differences))
        hits += flipped >= observed - slack
    return hits / (_RANDOM_FLIPS + 1)


def is_negligible(sd: float, values: Sequence[float]) -> bool:
    """True when a spread is only rounding: smaller than 1e-12 of the values' size."""
    return sd <= 1e-12 * max((abs(v) for v in values), default=0.0)


def compare(
    metric: str,
    direction: Direction,
    baseline: Sequence[float],
    candidate: Sequence[float],
    *,
    corrections: int = 1,
    confidence: float = 0.95,
    exact: bool = False,
) -> Comparison:
    """Compare two sides over the same seeds, in the same order.

    Args:
        metric: its name, for the record.
        direction: which way is better; the difference is signed so that positive is better.
        baseline: one finite value per seed.
        candidate: as long as `baseline`.
        corrections: how many looks the p-value is corrected for (Bonferroni).
        confidence: of the two-sided interval.
        exact: also run the sign-flip test and keep the larger p-value.

    Returns:
        The comparison. Without variation between pairs there is no interval, and the p-value
        is None: no noise was seen, so none can be ruled out.
    """
    if len(baseline) != len(candidate):
        raise ValueError(f"{metric}: {len(baseline)} baseline and {len(candidate)} values differ")
    if not baseline:
        return Comparison(
            metric, 0, None, None, None, None, None, None, None, corrections, confidence
        )
    differences = [direction.sign * (c - b) for b, c in zip(baseline, candidate, strict=True)]
    p = t_p_value(differences)
    interval = t_interval(differences, confidence) if p is not None else None
    if p is not None and exact:
        p = max(p, sign_flip_p_value(differences))
    note = "" if p is not None or len(differences) < 2 else "the difference does not vary by seed"
    return Comparison(
        metric=metric,
        pairs=len(differences),
        baseline_mean=mean(baseline),
        candidate_mean=mean(candidate),
        difference=mean(differences),
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        p_value=p,
        corrected_p=None if p is None else min(1.0, p * corrections),
        corrections=corrections,
        confidence=confidence,
        note=note,
    )


def confirmation_level(attempt: int, alpha: float = CONFIRM_ALPHA) -> float:
    """The one-sided level of the k-th confirmation ever attempted: alpha / (k (k + 1))."""
    return alpha / (attempt * (attempt + 1))


def median(values: Sequence[float]) -> float:
    """The median."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
