"""The order of the idea library: what is likely to pay first, and not one knob ten times.

An idea's worth is the prior of its transformation divided by what a run would cost. Each
further idea of the same transformation, and of the same family, counts for less, so the top
of the library is diverse. Pure and deterministic; learning from results is the scheduler's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from autosota.agents.domain import Level

SAME_FAMILY = 0.75
SAME_TRANSFORMATION = 0.6
HIGH = 0.30
MEDIUM = 0.15


@dataclass(frozen=True, slots=True)
class Candidate:
    """What ranking needs to know of an idea. `worth` is in (0, 1]."""

    id: str
    transformation: str
    family: str
    worth: float


def rank(candidates: Sequence[Candidate]) -> list[tuple[str, Level]]:
    """Ids in order, each with the priority that its discounted worth gives it."""
    left = sorted(candidates, key=lambda c: c.id)
    families: Counter[str] = Counter()
    transformations: Counter[str] = Counter()
    order: list[tuple[str, Level]] = []
    while left:
        worths = [
            c.worth
            * SAME_FAMILY ** families[c.family]
            * SAME_TRANSFORMATION ** transformations[c.transformation]
            for c in left
        ]
        best = max(range(len(left)), key=lambda i: worths[i])
        chosen = left.pop(best)
        families[chosen.family] += 1
        transformations[chosen.transformation] += 1
        order.append((chosen.id, _level(worths[best])))
    return order


def _level(worth: float) -> Level:
    if worth >= HIGH:
        return Level.HIGH
    return Level.MEDIUM if worth >= MEDIUM else Level.LOW
