"""What a person may set in an editor: one tree, fully defaulted, read tolerantly.

Comes from `workspace/configuration` (section `autosota`), else from `initializationOptions`.
What the check reports is set in `pyproject.toml`, not here, so that all faces say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Check:
    """Findings while typing."""

    enable: bool = True


@dataclass(frozen=True, slots=True)
class Ideas:
    """Published ideas as code actions."""

    enable: bool = True


@dataclass(frozen=True, slots=True)
class Lens:
    """Code lenses: over the entry point, models and metric calls."""

    enable: bool = True


@dataclass(frozen=True, slots=True)
class Hints:
    """Inlay hints: measured values beside the metric."""

    enable: bool = True


@dataclass(frozen=True, slots=True)
class Options:
    """All options. Names in JSON are these in camelCase.

    Attributes:
        check, ideas, lens, hints: The features.
        trusted: Whether the workspace is trusted; if not, there are warnings and nothing else.
        budget_evaluations: The most runs of a campaign that is started here; 0: the objective's.
    """

    check: Check = field(default_factory=Check)
    ideas: Ideas = field(default_factory=Ideas)
    lens: Lens = field(default_factory=Lens)
    hints: Hints = field(default_factory=Hints)
    trusted: bool = True
    budget_evaluations: int = 0


def parse(value: object) -> tuple[Options, list[str]]:
    """Options from JSON, and a line for each value that has the wrong type.

    What is not known is passed over: an extension's own settings live in the same section.
    """
    notes: list[str] = []
    return _parse(Options, value if value is not None else {}, "autosota", notes), notes


def _parse(kind: type[T], value: object, where: str, notes: list[str]) -> T:
    if not isinstance(value, Mapping):
        notes.append(f"{where}: {value!r} is no object of settings; the defaults are used")
        return kind()
    hints = get_type_hints(kind)
    given: dict[str, Any] = {}
    for one in fields(kind):  # type: ignore[arg-type]
        name, wanted = _camel(one.name), hints[one.name]
        if name not in value or value[name] is None:
            continue
        found, place = value[name], f"{where}.{name}"
        if is_dataclass(wanted):
            given[one.name] = _parse(wanted, found, place, notes)  # type: ignore[arg-type]
        elif type(found) is wanted:
            given[one.name] = found
        else:
            notes.append(f"{place}: {found!r} is not a {wanted.__name__}; the default is used")
    return kind(**given)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
