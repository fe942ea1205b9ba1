"""Findings for people: place, words, the line of code, the other places, why, the page."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from autosota.agents.domain import Finding, Severity
from autosota.agents.rules import META, RULES
from autosota.server.check.running import Outcome
from autosota.server.check.source_text import Texts

_COLOURS = {
    Severity.BLOCK: "\x1b[1;31m",
    Severity.ERROR: "\x1b[31m",
    Severity.WARNING: "\x1b[33m",
    Severity.INFO: "\x1b[36m",
}
_END, _DIM, _BOLD = "\x1b[0m", "\x1b[2m", "\x1b[1m"
_WIDEST = 120
_QUOTED = 80
_MOST_RELATED = 5
_SENTENCE = re.compile(r".+?[.?!](?=\s|$)", re.DOTALL)
_IGNORE = re.compile(r"autosota\s*:\s*ignore(?:-file)?\s*\[[^\]]*\](.*)", re.I)
_FIRST_LINES = 20


def as_text(outcome: Outcome, colour: bool, suppressed: bool = False) -> Iterator[str]:
    """The lines of a report, with a summary at the end.

    Args:
        outcome: What was found.
        colour: Whether the terminal shows colours.
        suppressed: Whether to list what comments suppress.
    """
    explained: set[str] = set()
    for finding in outcome.findings:
        yield from _finding(finding, outcome.texts, colour)
        yield from _why(finding, colour, finding.code not in explained)
        yield ""
        explained.add(finding.code)
    if suppressed and outcome.suppressed:
        for finding in outcome.suppressed:
            level = finding.severity.value
            yield f"{where(finding)}: {finding.code} [{level}, suppressed] {_plain(finding)}"
        yield ""
    yield summary(outcome)


def summary(outcome: Outcome) -> str:
    """One line: how many findings of which severity, in how many files."""
    files = "1 file" if outcome.files == 1 else f"{outcome.files} files"
    unread = f"; {len(outcome.unread)} could not be read" if outcome.unread else ""
    if not outcome.files:
        return "No Python files or notebooks found."
    if not outcome.findings:
        return f"No findings in {files}{unread}."
    counts = Counter(f.severity for f in outcome.findings)
    parts = ", ".join(f"{counts[s]} {s.value}" for s in Severity if counts[s])
    number = len(outcome.findings)
    return f"{number} {'finding' if number == 1 else 'findings'} in {files}: {parts}{unread}."


def statistics(outcome: Outcome) -> Iterator[str]:
    """How often each rule fired, the most frequent first, and what comments suppress."""
    counts = Counter((f.code, f.name, f.severity) for f in outcome.findings)
    for (code, name, severity), count in sorted(counts.items(), key=lambda c: (-c[1], c[0])):
        yield f"{count:>6}  {code:<7} {severity.value:<8} {name}"
    if outcome.suppressed:
        number = len(outcome.suppressed)
        unsaid = sum(_without_reason(f, outcome.texts) for f in outcome.suppressed)
        note = f", {unsaid} of them by an `ignore` without a reason" if unsaid else ""
        yield f"{number:>6}  suppressed by comments{note}"


def where(finding: Finding) -> str:
    """`path:line:column`, or `path:cell 3:line:column` in a notebook."""
    place = finding.place
    cell = "" if place.cell is None else f"cell {place.cell}:"
    return f"{_printable(place.path)}:{cell}{place.line}:{place.column}"


def _finding(finding: Finding, texts: Texts, colour: bool) -> Iterator[str]:
    def paint(text: str, code: str) -> str:
        return f"{code}{text}{_END}" if colour else text

    place = finding.place
    tone = _COLOURS[finding.severity]
    code = paint(finding.code, f"{tone}{_BOLD}")
    level = paint(f"[{finding.severity.value}]", tone)
    yield f"{paint(where(finding), _BOLD)}: {code} {level} {_plain(finding)}"
    line = texts.line(place.path, place.cell, place.line)
    if line.strip() and finding.code != "NB899":
        number = str(place.line)
        shown, start, end = _window(line, place.column - 1, _end(finding, line))
        yield paint(f"  {number} | ", _DIM) + shown
        gap, width = _cells(shown[:start]), max(1, _cells(shown[start:end]))
        yield paint(f"  {' ' * len(number)} | ", _DIM) + " " * gap + paint("^" * width, tone)
    for other in finding.related[:_MOST_RELATED]:
        at = f"cell {other.cell}, line {other.line}" if other.cell is not None else ""
        at = at or f"line {other.line}"
        path = "" if other.path == place.path else f"{_printable(other.path)}, "
        text = _quoted(texts.line(other.path, other.cell, other.line))
        yield f"    {path}{at}: {other.message}" + (paint(f":  {text}", _DIM) if text else "")
    more = len(finding.related) - _MOST_RELATED
    if more > 0:
        yield f"    and {more} more {'place' if more == 1 else 'places'}"


def _why(finding: Finding, colour: bool, first: bool) -> Iterator[str]:
    """Why it matters, once for each rule, and where to read on."""
    rule = RULES.get(finding.code)
    if rule is None:
        return
    found = _SENTENCE.match(rule.why)
    lines = [f"    why: {found.group()}"] if first and found and finding.code not in META else []
    lines.append(f"    {finding.name}; more: autosota rule {finding.code}")
    for line in lines:
        yield f"{_DIM}{line}{_END}" if colour else line


def _plain(finding: Finding) -> str:
    return _printable(" ".join(finding.message.split()))


def _quoted(line: str) -> str:
    line = line.strip()
    return _printable(line) if len(line) <= _QUOTED else f"{_printable(line[: _QUOTED - 1])}…"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in text)


def _end(finding: Finding, line: str) -> int:
    """Where in a line the place ends; the line's end when it goes on below."""
    place = finding.place
    last = len(line.rstrip())
    return min(place.end_column - 1, last) if place.end_line == place.line else last


def _window(line: str, start: int, end: int) -> tuple[str, int, int]:
    """So much of a line as can be read around a place, and where in it the place is."""
    line = line.rstrip()
    first = 0
    if len(line) > _WIDEST:
        indent = len(line) - len(line.lstrip())
        first = max(0, min(start - 30, len(line) - _WIDEST), min(indent, start))
    shown = _printable(line[first : first + _WIDEST])
    return shown, max(0, start - first), min(len(shown), max(0, end - first))


def _cells(text: str) -> int:
    """Columns of a terminal that a text takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def _without_reason(finding: Finding, texts: Texts) -> bool:
    """Whether one of our own comments suppresses it and says nothing more."""
    place = finding.place
    near = range(max(1, place.line - 1), (place.end_line or place.line) + 1)
    for number in (*near, *range(1, _FIRST_LINES + 1)):
        text = texts.line(place.path, place.cell, number)
        found = _IGNORE.search(text)
        if found and finding.code in text.upper():
            return not found.group(1).strip(" \t:-—–#")
    return False
