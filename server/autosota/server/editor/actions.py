"""What can be done about the findings of a document: fix, fix all, silence with a reason.

What is offered is listed without being written; it is written when it is asked for, and then
checked: a fix whose finding would stay is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from autosota.agents.check import Project, Session, Settings
from autosota.agents.check.document import Document
from autosota.agents.check.fixes import Fix, Refused, Sheet, apply, fixes, suppress
from autosota.agents.code.source import Edit
from autosota.agents.domain import Finding
from autosota.server.editor.edits import Change, between, changes
from autosota.server.errors import UserError

MOST_ROUNDS = 20
"""Fixes that are applied one after the other; each may make room for the next."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A fix that may be asked for by its `number`."""

    number: int
    title: str
    finding: Finding
    safe: bool


@dataclass(frozen=True, slots=True)
class Actions:
    """What can be done about one version of a document."""

    path: str
    content: bytes
    sheet: Sheet
    fixes: tuple[Fix, ...]
    findings: tuple[Finding, ...]
    settings: Settings
    project: Project | None

    @classmethod
    def of(
        cls, session: Session, content: bytes, findings: Sequence[Finding], project: Project | None
    ) -> Actions:
        """The actions of a document that was just checked."""
        sheet = Sheet(Document.read(session.path, content), session.units)
        found = tuple(fixes(sheet, findings))
        return cls(session.path, content, sheet, found, tuple(findings), session.settings, project)

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The fixes, in the order of their findings."""
        return tuple(Offer(i, f.title, f.finding, f.safe) for i, f in enumerate(self.fixes))

    def fixed(self, number: int) -> tuple[Change, ...]:
        """The changes of one fix.

        Raises:
            UserError: it cannot be written after all, or its finding would stay.
        """
        fix = self.fixes[number]
        edits = self._edits(fix)
        was = Counter(f.code for f in self.findings)
        after = Session(self.path, self.settings)
        now = after.update(apply(self.sheet, self.content, edits), self.project)
        after.close()
        if Counter(f.code for f in now.findings)[fix.finding.code] >= was[fix.finding.code]:
            raise UserError(f"{fix.title}: {fix.finding.code} would still be found; left as it is")
        return changes(self.sheet, edits)

    def all_fixed(self) -> tuple[Change, ...]:
        """The changes of every safe fix, of those that they make possible, too."""
        session = Session(self.path, self.settings)
        content, sheet = self.content, self.sheet
        found: Sequence[Finding] = self.findings
        refused: set[tuple[str, str]] = set()
        for _ in range(MOST_ROUNDS):
            safe = [f for f in fixes(sheet, found) if f.safe and _name(f) not in refused]
            if not safe:
                break
            fix = safe[0]
            try:
                changed = apply(sheet, content, fix.edits(sheet))
            except Refused:
                refused.add(_name(fix))
                continue
            was = Counter(f.code for f in found)
            now = session.update(changed, self.project).findings
            if Counter(f.code for f in now)[fix.finding.code] >= was[fix.finding.code]:
                refused.add(_name(fix))
                continue
            content, sheet, found = changed, Sheet.of(self.path, changed), now
        session.close()
        return self._towards(sheet)

    def suppressed(self, finding: Finding, reason: str = "") -> tuple[Change, ...]:
        """The comment that silences a finding; without a reason, with a place for one.

        Raises:
            UserError: no comment can stand there, or the reason is none.
        """
        try:
            fix = suppress(self.sheet, finding, reason) if reason else suppress(self.sheet, finding)
            return changes(self.sheet, fix.edits(self.sheet))
        except Refused as error:
            raise UserError(str(error)) from None

    def _edits(self, fix: Fix) -> tuple[Edit, ...]:
        try:
            return fix.edits(self.sheet)
        except Refused as error:
            raise UserError(str(error)) from None

    def _towards(self, sheet: Sheet) -> tuple[Change, ...]:
        """The changes that lead to the text of another sheet of the same cells."""
        if not self.sheet.document.is_notebook:
            return changes(self.sheet, between(self.sheet.content, sheet.content))
        found: list[Change] = []
        for ours, theirs in zip(self.sheet.document.cells, sheet.document.cells, strict=True):
            old = self.sheet.content[ours.start : ours.end]
            edits = between(old, sheet.content[theirs.start : theirs.end])
            moved = [Edit(e.start + ours.start, e.end + ours.start, e.text) for e in edits]
            found += changes(self.sheet, moved)
        return tuple(found)


def _name(fix: Fix) -> tuple[str, str]:
    return fix.finding.code, fix.finding.message
