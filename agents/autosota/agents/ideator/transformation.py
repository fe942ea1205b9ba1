"""What a transformation is, and what it finds.

A `Transformation` is a row of the catalogue: what it does, who published it, when it applies,
and a function that finds its levers in one file. A `Lever` is one place where it would do
something, and the function that writes the change; a `Dial` is a number behind a lever that an
optimiser may set to any value. Ranking, the boundary and identifiers are not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tree_sitter import Node

from autosota.agents.domain import Granularity, Level
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.module import Module

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Dial:
    """A number that the code writes down (or leaves at its default) and that can be set.

    `anchor` names it by structure within its symbol, `keyword` is what the library or the
    repository calls it and `label` adds the name it has where it is written. `text` is the
    number as it is written, `site` the file and offset of that literal, `write` puts another
    one in its place. `real` numbers may lose their integer notation. The number stays within
    [`least`, `most`]; a run's time grows as the number to the power `power` (0 = not at all).
    """

    anchor: str
    keyword: str
    label: str
    text: str
    site: tuple[str, int, str]
    write: Callable[[Draft, str], None]
    real: bool = False
    least: float = 0.0
    most: float = float("inf")
    power: float = 0.0


@dataclass(frozen=True, slots=True)
class Lever:
    """One place where a transformation applies, and how the change is written there.

    `anchor` names the place by structure (`clf = estimator`, `class Net`), so that the same
    lever is found again after other ideas changed the file. `arguments` tell variants of one
    transformation apart. `cost` is the relative time of a run (1 = as before), `weight` scales the
    transformation's prior for this variant. `dials` are the numbers it moves.
    """

    node: Node
    anchor: str
    change: Callable[[Draft], None]
    title: str
    reason: str
    arguments: Mapping[str, Scalar] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    cost: float = 1.0
    weight: float = 1.0
    dials: tuple[Dial, ...] = ()

    def draft(self, module: Module) -> Draft:
        """The change, written but not yet applied.

        Raises:
            NotApplicable: it cannot be written here.
        """
        draft = Draft(module)
        self.change(draft)
        return draft


@dataclass(frozen=True, slots=True)
class Transformation:
    """A published change of training code, and how to find where it applies.

    `prior` is the chance, roughly, that it helps where it applies; `family` groups knobs that
    are unlikely to add up; `precondition` says in words what `find` checks in code.
    """

    name: str
    summary: str
    library: str
    family: str
    granularity: Granularity
    paper: str
    precondition: str
    expected: str
    prior: float
    find: Callable[[Module], Iterator[Lever]]
    risk: Level = Level.LOW
    assumptions: tuple[str, ...] = ()
