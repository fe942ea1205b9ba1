"""What the scheduler can ask the driver to do next. Each is small, and repeatable after a kill."""

from __future__ import annotations

from dataclasses import dataclass

from autosota.agents.domain import Pruning, Purpose, TimeLimit, Variant
from autosota.agents.scheduler.events import Event


@dataclass(frozen=True, slots=True)
class Prepare:
    """Build the environment and look at the machine (phase 0)."""


@dataclass(frozen=True, slots=True)
class Analyse:
    """Draw the evaluation boundary and hash what must not move (phase 1)."""


@dataclass(frozen=True, slots=True)
class Execute:
    """Run the experiment once, with `seed`, at `commit`, which is the code of `side`."""

    purpose: Purpose
    side: str
    commit: str
    seed: int
    variant: Variant = Variant()  # noqa: RUF009 - frozen
    attempt: int = 0
    pruning: Pruning | None = None
    limit: TimeLimit | None = None


@dataclass(frozen=True, slots=True)
class Propose:
    """Fill the idea library for the code at a commit (phase 2)."""

    commit: str


@dataclass(frozen=True, slots=True)
class Tune:
    """Ask the optimiser for the next setting of the numbers in the code at a commit.

    The answer is an `IdeasProposed` with at most one new PARAM idea; an empty one says that
    there is nothing (more) to tune.
    """

    commit: str


@dataclass(frozen=True, slots=True)
class Combine:
    """Put promising, non-conflicting ideas together as one new idea for a commit."""

    commit: str
    ideas: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Implement:
    """Snapshot and implement an idea on its parent (phase 3, steps 2 and 3)."""

    idea: str
    parent: str


@dataclass(frozen=True, slots=True)
class Audit:
    """Judge a patch against the red lines before it may run (phase 3, step 3)."""

    patch: str


@dataclass(frozen=True, slots=True)
class Plant:
    """Commit the null patch, a comment only, on a commit: the negative control."""

    parent: str


@dataclass(frozen=True, slots=True)
class TakeApart:
    """Split the change from the base to a patch's commit into its pieces (ablation)."""

    patch: str
    commit: str


@dataclass(frozen=True, slots=True)
class Reduce:
    """Commit the patch without these pieces of it."""

    patch: str
    drop: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CompareOutcomes:
    """Resample the per-example outcomes of the confirmation's runs."""

    patch: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Record:
    """Write down a decision that follows from what is known."""

    event: Event


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is left to do."""


Action = (
    Prepare
    | Analyse
    | Execute
    | Propose
    | Tune
    | Combine
    | Implement
    | Audit
    | Plant
    | TakeApart
    | Reduce
    | CompareOutcomes
    | Record
    | Done
)
