"""When a run that reports as it goes may be ended early: bounds from earlier finished runs.

The rule of Optuna's percentile pruner (Golovin et al. 2017, Google Vizier, section 3.2, has
the median as a special case): at a step, a run whose best value so far is worse than the q-th
percentile of what earlier runs reported at that step is not worth finishing. Pure arithmetic;
it does not know what runs are, nor does it stop them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from autosota.agents.domain import Direction


def pruning_bounds(
    histories: Sequence[Sequence[tuple[int, float]]],
    direction: Direction,
    *,
    least_runs: int = 5,
    warmup_steps: int | None = None,
    percentile: float = 75.0,
) -> tuple[tuple[int, float], ...]:
    """(step, worst value that may go on), by step; empty while too little is known.

    The same decisions as `optuna.pruners.PercentilePruner(percentile, least_runs,
    warmup_steps, n_min_trials=least_runs)`: a run is pruned at a step when the *best* value
    it reported up to there is strictly worse than the bound, or is not a number.

    Args:
        histories: what earlier runs that finished reported, as (step, value); of two values
            at one step the first counts.
        direction: which way the value is better.
        least_runs: no bounds before this many runs, none at a step that fewer reported.
        warmup_steps: no bounds before this step. Default: half of the steps of the run that
            reported the fewest, as a slower start is not a worse end.
        percentile: the share of runs, in percent, that would go on: 50 is the median rule;
            the default prunes what is worse than three quarters of the runs.

    Raises:
        ValueError: `percentile` is outside [0, 100], or `least_runs` is below 1.
    """
    if not 0 <= percentile <= 100:
        raise ValueError(f"percentile must be between 0 and 100, not {percentile}")
    if least_runs < 1:
        raise ValueError(f"least_runs must be 1 or more, not {least_runs}")
    if len(histories) < least_runs:
        return ()
    at_step: dict[int, list[float]] = {}
    for history in histories:
        for step, value in dict(reversed(history)).items():
            at_step.setdefault(step, []).append(value)
    if not at_step:
        return ()
    if warmup_steps is None:
        lasts = [max(step for step, _ in history) for history in histories if history]
        warmup_steps = math.ceil(min(lasts) / 2)
    import numpy as np

    rank = 100 - percentile if direction is Direction.MAXIMIZE else percentile
    bounds = []
    for step in sorted(at_step):
        values = [v for v in at_step[step] if not math.isnan(v)]
        if step >= warmup_steps and len(at_step[step]) >= least_runs and values:
            bounds.append((step, float(np.percentile(values, rank))))
    return tuple(bounds)
