"""Findings as JSON and as GitHub annotations; lines and columns from 1, columns in characters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from autosota.agents.domain import Finding, Severity
from autosota.server.check.pages import page_url
from autosota.server.check.source_text import Texts

_GITHUB_LEVEL = {
    Severity.BLOCK: "error",
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "notice",
}


def as_json(findings: Sequence[Finding]) -> str:
    """The design's list of objects."""
    rows = [
        {
            "path": f.place.path,
            "cell": f.place.cell,
            "line": f.place.line,
            "column": f.place.column,
            "end_line": f.place.end_line or f.place.line,
            "end_column": f.place.end_column or f.place.column,
            "code": f.code,
            "name": f.name,
            "severity": f.severity.value,
            "red_line": f.red_line,
            "message": f.message,
            "url": page_url(f.code),
            "related": [
                {"path": r.path, "line": r.line, "message": in_cell(r.cell, r.message)}
                for r in f.related
            ],
        }
        for f in findings
    ]
    return json.dumps(rows, indent=2)


def in_cell(cell: int | None, message: str) -> str:
    """A message with the notebook's cell before it, for formats that have no word for cells."""
    return message if cell is None else f"cell {cell}: {message}"


def as_github(findings: Sequence[Finding], texts: Texts) -> Iterator[str]:
    """Workflow commands that become annotations; a cell's are put at its line in the file."""
    for finding in findings:
        place = finding.place
        line = texts.file_line(place.path, place.cell, place.line)
        where = f"file={_property(place.path)},line={line}"
        message = finding.message
        if place.cell is None:
            where += f",col={place.column}"
            if place.end_line:
                where += f",endLine={place.end_line}"
                if place.end_line == place.line:
                    where += f",endColumn={place.end_column}"
        else:
            message = f"cell {place.cell}, line {place.line}: {message}"
        title = _property(f"{finding.code} {finding.name}")
        yield f"::{_GITHUB_LEVEL[finding.severity]} {where},title={title}::{_data(message)}"


def _data(text: str) -> str:
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
