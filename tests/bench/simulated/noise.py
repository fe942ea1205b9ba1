"""How a metric varies between runs that should be equal: the noise of a synthetic world.

All in units of one nominal standard deviation of the paired difference (candidate minus
baseline over the same seed, one idea apart). A run is made of

- what the seed does to every side (drops out of a pair),
- what the seed does to this code (own),
- what the seed does to each idea in it (interaction),
- what no seed explains (rerun), and the machine at that moment (drift).

What a metric means, which ideas exist and what they are worth is not known here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]


def normal(stream: np.random.Generator, size: int) -> NDArray[np.float64]:
    """Gaussian."""
    return stream.standard_normal(size)


def student(stream: np.random.Generator, size: int) -> NDArray[np.float64]:
    """Student's t with 3 degrees of freedom, scaled to unit variance."""
    return stream.standard_t(3, size) / math.sqrt(3.0)


def exponential(stream: np.random.Generator, size: int) -> NDArray[np.float64]:
    """Centred exponential: skewness 2, its tail on the positive side."""
    return stream.standard_exponential(size) - 1.0


def lognormal(stream: np.random.Generator, size: int) -> NDArray[np.float64]:
    """Centred lognormal of shape 0.75, unit variance: skewness 3.3, its tail positive."""
    shape = 0.75
    centre = math.exp(shape**2 / 2)
    spread = math.sqrt((math.exp(shape**2) - 1) * math.exp(shape**2))
    return (stream.lognormal(0.0, shape, size) - centre) / spread


@dataclass(frozen=True, slots=True)
class Noise:
    """One kind of noise.

    Attributes:
        name: as the table prints it.
        own: sd of the part of (code, seed).
        interaction: sd of the part of (idea, seed), which stays with the idea in a stack.
        rerun: sd of the part that differs when the same is run again.
        common: sd of the part of the seed alone.
        draw: the distribution of the own and the interaction part.
        tails: the tail of an idea's interaction is on the worse side (-1), the better (+1), or
            either, by a coin for each idea (0).
        collapse: chance that a run falls by `depth`.
        depth: how far, in nominal sd.
        drift: where the machine's slow change ends, in nominal sd, up or down by a coin.
        wander: sd of the machine's random walk, per run.
        step: the metric only takes multiples of this, in nominal sd; 0 is continuous.
    """

    name: str
    own: float = math.sqrt(0.5)
    interaction: float = 0.0
    rerun: float = 0.0
    common: float = 1.0
    draw: Draw = normal
    tails: int = 0
    collapse: float = 0.0
    depth: float = 0.0
    drift: float = 0.0
    wander: float = 0.0
    step: float = 0.0

    @property
    def sd(self) -> float:
        """The true sd of a paired difference, back to back, in nominal sd."""
        fall = self.collapse * (1 - self.collapse) * self.depth**2
        steps = self.step**2 / 12  # Sheppard
        sides = self.own**2 + self.rerun**2 + fall + steps
        return math.sqrt(2 * sides + self.interaction**2)


WARM_UP = 40.0
"""Runs in which the drifting machine goes about two thirds of its way."""

NORMAL = Noise("normal")
SKEWED = Noise("skewed", own=math.sqrt(0.1), interaction=math.sqrt(0.8), draw=exponential)
HEAVY = Noise("heavy-tailed (t, 3 df)", draw=student)
COLLAPSES = Noise("heavy-tailed, 1 % of runs collapse", draw=student, collapse=0.01, depth=8.0)
INTERACTION = Noise(
    "seed-by-idea interaction", own=math.sqrt(0.125), interaction=math.sqrt(0.75), common=2.0
)
DRIFT = Noise("drifting machine", own=math.sqrt(0.4), rerun=math.sqrt(0.1), drift=2.0, wander=0.1)
TIES = Noise("ties (200 test rows)", step=1.0)
LOPSIDED = Noise(
    "skewed, all tails to the worse", own=math.sqrt(0.05), interaction=math.sqrt(0.9),
    draw=lognormal, tails=-1,
)  # fmt: skip

KINDS = (NORMAL, SKEWED, HEAVY, COLLAPSES, INTERACTION, DRIFT, TIES)
"""What a researcher's metric may do. `LOPSIDED` is the worst case for a test of a mean."""
