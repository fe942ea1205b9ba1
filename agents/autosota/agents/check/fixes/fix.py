"""What a fix is."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from autosota.agents.check.fixes.sheet import Sheet
from autosota.agents.code.source import Edit
from autosota.agents.domain import Finding


class Refused(Exception):
    """A fix cannot be written here."""


@dataclass(frozen=True, slots=True)
class Fix:
    """One way to make a finding go away.

    Attributes:
        finding: What it is for.
        title: What it does, for a person.
        safe: Nothing is left to choose, so it may be applied together with others.
        changes: Its edits of the document's bytes, without imports.
        imports: Modules and names that the changed code needs.
    """

    finding: Finding
    title: str
    safe: bool
    changes: tuple[Edit, ...]
    imports: tuple[tuple[str, str], ...] = ()

    def edits(self, sheet: Sheet) -> tuple[Edit, ...]:
        """All its edits, in order; none touches another.

        Raises:
            Refused: they collide, or an import cannot be added.
        """
        edits = [*self.changes]
        for module, name in self.imports:
            edits += sheet.imported(module, name)
        edits.sort()
        for before, after in pairwise(edits):
            if after.start < before.end:
                raise Refused(f"{self.title}: two edits collide")
        return tuple(edits)
