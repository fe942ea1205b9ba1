"""How other loops would report the same world: a keep by its own rule, and no claim apart.

They look at the search metric. Each starts on a machine of its own: the order of runs is its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from autosota.agents.scheduler import statistics
from simulated.world import Code, World

NOISE_RUNS = 5
"""Baseline runs that tell a noise floor its sigma."""

ALPHA = 0.05
NOTHING: Code = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What a loop would print at its end. Gains in the metric's unit, over the baseline."""

    code: Code
    gain: float
    truth: float
    pairs: int
    evaluations: int


class Runs:
    """Runs on one machine, in order; the same run is not paid for twice."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._values: dict[tuple[Code, int], float] = {}

    def value(self, code: Code, seed: int) -> float:
        """The search metric."""
        found = self._values.get((code, seed))
        if found is None:
            found = self._values[(code, seed)] = self.world.run(code, seed, self.count)[0]
        return found

    def mean(self, code: Code, seeds: int) -> float:
        """Over the first seeds."""
        return statistics.mean([self.value(code, s) for s in range(seeds)])

    @property
    def count(self) -> int:
        """Runs paid for."""
        return len(self._values)


def keep_if_better(world: World, _evaluations: int) -> Report:
    """One run an idea, seed 0; what is better than the best is kept, and is the new best."""
    runs, best = Runs(world), NOTHING
    for idea in world.ideas:
        code = _with(best, idea.id)
        if runs.value(code, 0) > runs.value(best, 0):
            best = code
    return _report(world, runs, best, runs.value(best, 0) - runs.value((), 0), 1)


def noise_floor(world: World, _evaluations: int) -> Report:
    """One run an idea; kept when better than the best by a sd of the baseline's runs."""
    runs, best = Runs(world), NOTHING
    base = [runs.value((), s) for s in range(NOISE_RUNS)]
    floor = statistics.sample_sd(base)
    score = start = statistics.mean(base)
    for idea in world.ideas:
        code = _with(best, idea.id)
        value = runs.value(code, 0)
        if value > score + floor:
            best, score = code, value
    return _report(world, runs, best, score - start, 1)


def fixed_test(world: World, evaluations: int) -> Report:
    """The same seeds for every idea, paired t test against the best, Bonferroni over the ideas.

    As many seeds as the number of evaluations allows.
    """
    runs, best = Runs(world), NOTHING
    seeds = evaluations // (len(world.ideas) + 1)
    for idea in world.ideas:
        code = _with(best, idea.id)
        differences = [runs.value(code, s) - runs.value(best, s) for s in range(seeds)]
        p = statistics.t_p_value(differences)
        if p is not None and p <= ALPHA / len(world.ideas):
            best = code
    return _report(world, runs, best, runs.mean(best, seeds) - runs.mean((), seeds), seeds)


def _with(code: Code, idea: str) -> Code:
    return tuple(sorted((*code, idea)))


def _report(world: World, runs: Runs, code: Code, gain: float, pairs: int) -> Report:
    return Report(code, gain, world.truth(code), pairs, runs.count)


PEERS: dict[str, Callable[[World, int], Report]] = {
    "keep if better": keep_if_better,
    "noise floor": noise_floor,
    "fixed t, Bonferroni": fixed_test,
}
