"""Findings for people: place, words, the line of code, the other places, the page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from autosota.agents.domain import Finding, Severity
from autosota.server.check.running import Outcome

_COLOURS = {
    Severity.BLOCK: "\x1b[1;31m",
    Severity.ERROR: "\x1b[31m",
    Severity.WARNING: "\x1b[33m",
    Severity.INFO: "\x1b[36m",
}
_END, _DIM, _BOLD = "\x1b[0m", "\x1b[2m", "\x1b[1m"
_WIDEST = 160


def as_text(outcome: Outcome, colour: bool, suppressed: bool = False) -> Iterator[str]:
    """The lines of a report, with a summary at the end."""
    for finding in outcome.findings:
        yield from _finding(finding, colour)
        yield ""
    if suppressed:
        for finding in outcome.suppressed:
            yield f"{_where(finding)}: {finding.code} suppressed: {finding.message}"
        if outcome.suppressed:
            yield ""
    yield summary(outcome)


def summary(outcome: Outcome) -> str:
    """One line: how many findings of which severity, in how many files."""
    files = "1 file" if outcome.files == 1 else f"{outcome.files} files"
    if not outcome.findings:
        return f"No findings in {files}."
    counts = Counter(f.severity for f in outcome.findings)
    parts = ", ".join(f"{counts[s]} {s.value}" for s in Severity if counts[s])
    number = len(outcome.findings)
    unread = f"; {len(outcome.unread)} could not be read" if outcome.unread else ""
    return f"{number} {'finding' if number == 1 else 'findings'} in {files}: {parts}{unread}."


def statistics(outcome: Outcome) -> Iterator[str]:
    """How often each rule fired, the most frequent first."""
    counts = Counter((f.code, f.name, f.severity) for f in outcome.findings)
    for (code, name, severity), count in sorted(counts.items(), key=lambda c: (-c[1], c[0])):
        yield f"{count:>6}  {code:<7} {severity.value:<8} {name}"
    if outcome.suppressed:
        yield f"{len(outcome.suppressed):>6}  suppressed by comments"


def _where(finding: Finding) -> str:
    place = finding.place
    if place.cell is None:
        return f"{place.path}:{place.line}:{place.column}"
    return f"{place.path}:cell {place.cell}:{place.line}:{place.column}"


def _finding(finding: Finding, colour: bool) -> Iterator[str]:
    def paint(text: str, code: str) -> str:
        return f"{code}{text}{_END}" if colour else text

    place = finding.place
    head = f"{finding.code} {finding.severity.value}"
    yield (
        f"{paint(_where(finding), _BOLD)}: {paint(head, _COLOURS[finding.severity])} "
        f"{finding.message}"
    )
    line = source_line(place.path, place.cell, place.line)
    if line.strip():
        number = str(place.line)
        margin = " " * len(number)
        shown, start = _window(line, place.column)
        width = max(1, _underline(finding, line))
        width = min(width, max(1, len(shown) - start))
        yield paint(f"  {number} | ", _DIM) + shown
        yield (
            paint(f"  {margin} | ", _DIM)
            + " " * start
            + paint("^" * width, _COLOURS[finding.severity])
        )
    for other in finding.related:
        cell = "" if other.cell is None else f"cell {other.cell}, "
        path = "" if other.path == place.path else f"{other.path}, "
        text = source_line(other.path, other.cell, other.line).strip()
        yield f"    {path}{cell}line {other.line}: {other.message}" + (
            paint(f"  {text[:80]}", _DIM) if text else ""
        )
    yield paint(f"    {finding.name}; more: autosota rule {finding.code}", _DIM)


def _underline(finding: Finding, line: str) -> int:
    place = finding.place
    if place.end_line == place.line:
        return place.end_column - place.column
    return len(line.rstrip()) - place.column + 1


def _window(line: str, column: int) -> tuple[str, int]:
    """At most so much of a line that it can be read, and where the column is in it."""
    line = "".join(c if c.isprintable() else " " for c in line.rstrip("\r\n"))
    if len(line) <= _WIDEST:
        return line, column - 1
    first = max(0, min(column - 1 - 40, len(line) - _WIDEST))
    return line[first : first + _WIDEST], column - 1 - first


def source_line(path: str, cell: int | None, line: int) -> str:
    """One line of a file or of a notebook's cell; '' when it cannot be read."""
    lines = _lines(path, cell)
    return lines[line - 1] if 0 < line <= len(lines) else ""


@lru_cache(maxsize=256)
def _lines(path: str, cell: int | None) -> list[str]:
    try:
        content = Path(path).read_bytes()
        if cell is None:
            return content.decode("utf-8-sig", "replace").split("\n")
        notebook = json.loads(content)
        cells = notebook.get("cells")
        if cells is None:
            cells = [c for sheet in notebook.get("worksheets", []) for c in sheet.get("cells", [])]
        source = cells[cell].get("source", cells[cell].get("input", ""))
        text = source if isinstance(source, str) else "".join(source)
        return text.split("\n")
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return []
