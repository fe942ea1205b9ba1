"""One document, checked again after every change; and a file checked once.

Stages, each only when the one before leaves something to do: bytes that no rule can fire on,
the tree, the flow. What a rule looks for is not known here.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from autosota.agents.check import flow, ir, suppress
from autosota.agents.check.document import Document, Unreadable
from autosota.agents.check.facts import Facts, FileRule
from autosota.agents.check.index import Index
from autosota.agents.check.project import Project
from autosota.agents.check.registry import rules
from autosota.agents.check.settings import Settings
from autosota.agents.check.syntax import Syntax
from autosota.agents.check.tokens import Tokens
from autosota.agents.domain import Finding, Place
from autosota.agents.rules import finding as make_finding


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found.

    Attributes:
        findings: Sorted by place and code, suppressions applied; unused ones are `NB898`.
        suppressed: The findings that a comment suppressed.
        unread: Why the file could not be read (then also one `NB899`), else `''`.
    """

    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Finding, ...] = ()
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes `start` to `end` of the content are replaced by `text`."""

    start: int
    end: int
    text: bytes


class Session:
    """An open document of an editor."""

    def __init__(self, path: str, settings: Settings | None = None) -> None:
        """No content yet."""
        self.path = path
        self.settings = settings or Settings()
        self._content = b""
        self._tokens = Tokens()
        self._wanted: list[FileRule] | None = None
        self._syntax = Syntax()
        self._index = Index()
        self._memo = flow.Memo()

    def update(self, content: bytes | Edit, project: Project | None = None) -> Checked:
        """The findings after a change; `content` is the whole new content or an edit of it."""
        with _uncollected():
            return self._update(content, project)

    @property
    def units(self) -> Sequence[ir.Unit]:
        """The top-level statements as of the last update that had something to look for."""
        return self._syntax.units

    def close(self) -> None:
        """Let go of the trees, whose nodes point at each other, without a collector's help."""
        for unit in self._syntax.units:
            unit.close()
        self._syntax, self._index, self._memo = Syntax(), Index(), flow.Memo()

    def _update(self, content: bytes | Edit, project: Project | None) -> Checked:
        if isinstance(content, Edit):
            before = self._content
            content = before[: content.start] + content.text + before[content.end :]
        self._content = content
        try:
            document = Document.read(self.path, content)
        except Unreadable as error:
            return self._unread(str(error))
        if self._tokens.update(document.text) or self._wanted is None:
            self._wanted = [
                rule
                for rule in rules()
                if self.settings.wants(rule.code)
                and (document.is_notebook or not rule.notebooks)
                and self._tokens.hold(rule.needs)
            ]
        wanted = self._wanted
        if not wanted and b"noqa" not in document.text and b"autosota" not in document.text:
            return Checked()
        units = self._syntax.update(document)
        self._index.update(units, document.text)
        facts = Facts(document, units, self.settings, project, self._index)
        facts._flow = lambda: flow.run(units, self._index, self._memo)
        found: list[Finding] = []
        for rule in wanted:
            found += _run(rule, facts)
        facts.close()
        return self._report(document, _once(found))

    def _report(self, document: Document, found: list[Finding]) -> Checked:
        comments = suppress.suppressions(document, self._syntax.is_comment)
        placed = [(f, *document.span(f.place)) for f in found]
        stay, gone = suppress.apply(placed, comments, document)
        if self.settings.wants("NB898"):
            stay += suppress.unused(
                [
                    suppress.Suppression(c.start, c.end, c.lines, codes, c.used)
                    for c in comments
                    if (codes := tuple(w for w in c.codes if self.settings.wants(w)))
                ],
                document,
            )
        return Checked(
            tuple(sorted(map(self._severe, stay), key=_order)),
            tuple(sorted(map(self._severe, gone), key=_order)),
        )

    def _severe(self, finding: Finding) -> Finding:
        severity = self.settings.severity.get(finding.code)
        if severity is None or severity is finding.severity:
            return finding
        return Finding(
            finding.code, finding.name, severity, finding.red_line, finding.place,
            finding.message, finding.related, finding.url,
        )  # fmt: skip

    def _unread(self, why: str) -> Checked:
        if not self.settings.wants("NB899"):
            return Checked(unread=why)
        note = make_finding("NB899", Place(self.path, 1), why)
        return Checked((self._severe(note),), unread=why)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection meanwhile: it would walk the growing trees again and again.

    Without this the slowest twentieth of files takes twice as long.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _run(rule: FileRule, facts: Facts) -> Iterator[Finding]:
    try:
        yield from list(rule.run(facts))
    except RecursionError:
        return


def _once(found: list[Finding]) -> list[Finding]:
    return list(dict.fromkeys(found))


def _order(finding: Finding) -> tuple[int, int, int, str, str]:
    cell = -1 if finding.place.cell is None else finding.place.cell
    return (cell, finding.place.line, finding.place.column, finding.code, finding.message)


def check(
    path: str, content: bytes, settings: Settings | None = None, project: Project | None = None
) -> Checked:
    """The findings of one file; `.ipynb` is a notebook, all else Python. Never raises."""
    session = Session(path, settings)
    with _uncollected():
        result = session._update(content, project)
        session.close()
    return result
