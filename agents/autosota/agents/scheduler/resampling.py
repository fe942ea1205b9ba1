"""Both sources of luck at once: paired resampling of seeds and of test examples.

Pure. With many ideas and one fixed test set, seeds alone do not see that the gain may be of
these test rows only. Where runs save an outcome per example, the two-way ("pigeonhole")
bootstrap draws seeds and examples independently, with replacement, and keeps pairs together
(Owen 2007, The pigeonhole bootstrap, which errs on the wide side). Seeds that do nothing leave
the examples as the only source, so a deterministic program has an interval, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from autosota.agents.domain import Comparison, Direction
from autosota.agents.scheduler.claims import SEEDS_AND_ROWS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

DRAWS = 10_000
FEWEST_EXAMPLES = 30
_CELLS = 4_000_000

Outcomes = Mapping[str, float]


def compare_outcomes(
    metric: str,
    direction: Direction,
    pairs: Sequence[tuple[Outcomes, Outcomes]],
    confidence: float,
) -> tuple[Comparison | None, int, str]:
    """Compare two sides by the outcomes of their examples.

    Args:
        metric: the claim, for the record.
        direction: which way an outcome is better.
        pairs: per seed, the outcomes of baseline and candidate by example id.
        confidence: of the two-sided percentile interval.

    Returns:
        The comparison (None when it cannot be made), the number of examples, and why not.
        `p_value` is the one-sided share of draws without a gain.
    """
    if not pairs:
        return None, 0, "no run kept per-example outcomes"
    ids = sorted(pairs[0][0])
    if any(side.keys() != pairs[0][0].keys() for pair in pairs for side in pair):
        return None, 0, "the runs did not score the same examples"
    if len(ids) < FEWEST_EXAMPLES:
        return None, len(ids), f"{len(ids)} examples are too few to resample"
    import numpy as np

    before = np.array([[old[i] for i in ids] for old, _ in pairs])
    after = np.array([[new[i] for i in ids] for _, new in pairs])
    table = direction.sign * (after - before)
    means = _draw_means(table)
    tail = (1.0 - confidence) / 2.0
    low, high = (float(v) for v in np.quantile(means, [tail, 1.0 - tail]))
    observed = float(table.mean())
    p = float((np.count_nonzero(means <= 0.0) + 1) / (len(means) + 1))
    note = "" if np.any(table) else "no example came out differently"
    comparison = Comparison(
        metric=metric,
        pairs=len(pairs),
        baseline_mean=float(before.mean()),
        candidate_mean=float(after.mean()),
        difference=observed,
        low=low,
        high=high,
        p_value=p,
        corrected_p=p,
        corrections=1,
        confidence=confidence,
        covers=SEEDS_AND_ROWS,
        note=note,
    )
    return comparison, len(ids), ""


def _draw_means(table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Means of resampled tables: (draws,), from a (seeds, examples) table of differences."""
    import numpy as np

    seeds, examples = table.shape
    stream = np.random.default_rng(0)
    moving = bool(np.ptp(table, axis=0).any())  # seeds that do nothing are not resampled
    means = np.empty(DRAWS)
    block = max(1, min(DRAWS, _CELLS // examples))
    for start in range(0, DRAWS, block):
        size = min(block, DRAWS - start)
        rows = stream.multinomial(examples, np.full(examples, 1.0 / examples), size=size)
        if moving:
            runs = stream.multinomial(seeds, np.full(seeds, 1.0 / seeds), size=size)
            means[start : start + size] = ((runs @ table) * rows).sum(axis=1)
        else:
            means[start : start + size] = (rows @ table[0]) * seeds
    means /= seeds * examples
    return means
