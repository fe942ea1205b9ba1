"""Comments that suppress findings, and those that suppress nothing.

`# noqa: LK101, LK112` on the line of the finding (a blanket `# noqa` is other linters'),
`# autosota: ignore[LK101] reason` there or alone on the line before, and
`# autosota: ignore-file[LK101] reason` among the first lines. What fires is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from autosota.agents.check.document import Document
from autosota.agents.domain import Finding
from autosota.agents.rules import META, RULES
from autosota.agents.rules import finding as make_finding

_NOQA = re.compile(rb"#[ \t]*noqa[ \t]*:[ \t]*((?:[A-Za-z]+\d+[ \t]*,?[ \t]*)+)", re.I)
_OURS = re.compile(rb"#[ \t]*autosota[ \t]*:[ \t]*(ignore(?:-file)?)[ \t]*\[([^\]\n]*)\]", re.I)
_CODE = re.compile(rb"[A-Z]+\d+")
_FIRST_LINES = 20


@dataclass(slots=True)
class Suppression:
    """One comment: the lines it covers (none: the whole file), its codes, and those used."""

    start: int
    end: int
    lines: frozenset[int] | None
    codes: tuple[str, ...]
    used: set[str] = field(default_factory=set)


def suppressions(document: Document, is_comment: Callable[[int], bool]) -> list[Suppression]:
    """The comments of a document that suppress one of our codes, in order."""
    text = document.text
    if b"noqa" not in text.lower() and b"autosota" not in text:
        return []
    found: list[Suppression] = []
    for match in _NOQA.finditer(text):
        codes = _codes(match.group(1))
        if codes and is_comment(match.start()):
            line = document.row(match.start())
            found.append(Suppression(match.start(), match.end(), frozenset((line,)), codes))
    for match in _OURS.finditer(text):
        codes = _codes(match.group(2))
        if not codes or not is_comment(match.start()):
            continue
        line = document.row(match.start())
        if match.group(1).lower() == b"ignore-file":
            if line < _FIRST_LINES:
                found.append(Suppression(match.start(), match.end(), None, codes))
            continue
        lines = {line}
        start = document.lines()[line]
        if not text[start : match.start()].strip():
            lines.add(line + 1)
        found.append(Suppression(match.start(), match.end(), frozenset(lines), codes))
    return sorted(found, key=lambda s: s.start)


def _codes(words: bytes) -> tuple[str, ...]:
    codes = [c.decode("ascii") for c in _CODE.findall(words.upper())]
    return tuple(dict.fromkeys(c for c in codes if c in RULES or c in META))


def apply(
    findings: Iterable[tuple[Finding, int, int]], comments: list[Suppression], document: Document
) -> tuple[list[Finding], list[Finding]]:
    """Findings (each with its bytes) that stay, and those a comment suppresses."""
    stay: list[Finding] = []
    gone: list[Finding] = []
    for finding, start, end in findings:
        rows = range(document.row(start), document.row(max(start, end - 1)) + 1)
        by = next(
            (
                c
                for c in comments
                if finding.code in c.codes
                and (c.lines is None or any(row in c.lines for row in rows))
            ),
            None,
        )
        if by is None:
            stay.append(finding)
        else:
            by.used.add(finding.code)
            gone.append(finding)
    return stay, gone


def unused(comments: list[Suppression], document: Document) -> list[Finding]:
    """One `NB898` for each code that a comment names and that did not fire there."""
    found = []
    for comment in comments:
        idle = [c for c in comment.codes if c not in comment.used]
        if idle:
            place = document.place(comment.start, comment.end)
            words = ", ".join(idle)
            text = f"{words} suppressed here, but nothing of it is found: remove the comment"
            found.append(make_finding("NB898", place, text))
    return found
