"""Every rule that `check` knows, in the order of their families."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from autosota.agents.check.facts import FileRule

_FAMILIES = ("leakage", "evaluation", "outputs", "data", "selection", "paper", "notebooks")


@lru_cache(maxsize=1)
def rules() -> tuple[FileRule, ...]:
    """The rules; their modules are loaded on first use."""
    found: list[FileRule] = []
    for name in _FAMILIES:
        try:
            module = import_module(f"autosota.agents.check.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"autosota.agents.check.{name}":
                raise
            continue
        found += module.RULES
    return tuple(found)
