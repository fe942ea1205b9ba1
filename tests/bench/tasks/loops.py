"""Loops that keep what looks better: the ones that an honest search is compared with.

They see the validation metric only, one run at a time, and count every run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev

from tasks.experiment import Config, Experiment
from tasks.ideas import Idea

FLOOR_RUNS = 5
"""Baseline runs that the noise floor is measured with."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a loop ends with.

    `reported` is the gain on validation as the loop saw it, `expected` what it says will be left
    of it, and `claim` the gain on the claim's rows, where a loop says so; `evaluations` counts
    trainings, those asked for twice included.
    """

    config: Config
    ideas: tuple[str, ...]
    reported: float
    evaluations: int
    confirmed: bool = False
    claim: float | None = None
    expected: float | None = None
    log: list[str] = field(default_factory=list)


def climb(
    experiment: Experiment,
    baseline: Config,
    pool: Sequence[Idea],
    budget: int,
    floor: Callable[[Sequence[float]], float],
    first_runs: int,
) -> Answer:
    """Try the pool in order, keep what beats the best number so far by more than `floor`.

    One run per idea, with the seed that the repository has; when the pool is through and budget
    is left, it is gone through again on top of what was kept, with the next seed, for as long as
    any idea is left to try.
    """
    seed, used, log = 0, 0, []

    def validate(config: Config, with_seed: int) -> float:
        return experiment.run(config, with_seed, ("validation",))["validation"].value

    values = [validate(baseline, s) for s in range(first_runs)]
    used += first_runs
    least = floor(values)
    start = best = fmean(values)
    config = baseline
    kept: tuple[str, ...] = ()
    while used < budget:
        tried = 0
        for idea in pool:
            changed = idea.apply(config)
            if changed is None or used >= budget:
                continue
            used += 1
            tried += 1
            value = validate(changed, seed)
            if value > best + least:
                log.append(f"{idea.name}: {best:.3f} to {value:.3f}")
                config, kept, best = changed, (*kept, idea.name), value
        if not tried:
            break
        seed += 1
    return Answer(config, kept, best - start, used, log=log)


def keep_if_better(
    experiment: Experiment, baseline: Config, pool: Sequence[Idea], budget: int
) -> Answer:
    """One run per idea, keep what is better than the best so far; report the number selected."""
    return climb(experiment, baseline, pool, budget, lambda _values: 0.0, 1)


def noise_floor(
    experiment: Experiment, baseline: Config, pool: Sequence[Idea], budget: int
) -> Answer:
    """Keep what is better by more than one standard deviation of the baseline over its seeds."""
    return climb(experiment, baseline, pool, budget, stdev, FLOOR_RUNS)
