"""What a person may set for `check`. Where it is read from is not known here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from autosota.agents.domain import Severity


@dataclass(frozen=True, slots=True)
class Settings:
    """What to report, and the user's own words.

    Attributes:
        select: Prefixes of the codes to report; none means all.
        ignore: Prefixes of the codes never to report.
        severity: Another severity for a code.
        evaluators: Paths, as glob patterns, that are the declared evaluation.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, Severity] = field(default_factory=dict)
    evaluators: tuple[str, ...] = ()

    def wants(self, code: str) -> bool:
        """Whether findings of this code are reported."""
        if any(code.startswith(prefix) for prefix in self.ignore):
            return False
        return not self.select or any(code.startswith(prefix) for prefix in self.select)
