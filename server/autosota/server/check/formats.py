"""Findings as JSON, SARIF 2.1.0 and GitHub annotations; lines and columns from 1."""

from __future__ import annotations

import json
from collections.abc import Sequence

from autosota.agents.domain import Finding, Severity
from autosota.agents.rules import RULES
from autosota.server import product_version
from autosota.server.check.pages import page_url

_SARIF_LEVEL = {
    Severity.BLOCK: "error",
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "note",
}
_GITHUB_LEVEL = {**_SARIF_LEVEL, Severity.INFO: "notice"}
_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


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
                {"path": r.path, "line": r.line, "message": r.message, "cell": r.cell}
                for r in f.related
            ],
        }
        for f in findings
    ]
    return json.dumps(rows, ensure_ascii=False, indent=2)


def as_sarif(findings: Sequence[Finding], suppressed: Sequence[Finding] = ()) -> str:
    """A SARIF 2.1.0 log; what comments suppressed is in it, marked so."""
    codes = sorted({f.code for f in (*findings, *suppressed)})
    rules = [
        {
            "id": code,
            "name": code,
            "shortDescription": {"text": RULES[code].name},
            "fullDescription": {"text": RULES[code].what},
            "help": {"text": RULES[code].why},
            "helpUri": page_url(code),
            "defaultConfiguration": {"level": _SARIF_LEVEL[RULES[code].severity]},
            "properties": {"red_line": RULES[code].red_line},
        }
        for code in codes
    ]
    results = [_sarif_result(f, codes, False) for f in findings]
    results += [_sarif_result(f, codes, True) for f in suppressed]
    driver = {"name": "autosota", "version": product_version(), "rules": rules}
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
        ],
    }
    return json.dumps(log, ensure_ascii=False, indent=2)


def _sarif_result(finding: Finding, codes: Sequence[str], suppressed: bool) -> dict[str, object]:
    place = finding.place
    region = {"startLine": place.line, "startColumn": place.column}
    if place.end_line:
        region |= {"endLine": place.end_line, "endColumn": place.end_column}
    result: dict[str, object] = {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": _SARIF_LEVEL[finding.severity],
        "message": {"text": finding.message},
        "locations": [_location(place.path, region, place.cell)],
    }
    if finding.related:
        result["relatedLocations"] = [
            {"id": i, "message": {"text": r.message}}
            | _location(r.path, {"startLine": r.line}, r.cell)
            for i, r in enumerate(finding.related)
        ]
    if suppressed:
        result["suppressions"] = [{"kind": "inSource"}]
    return result


def _location(path: str, region: dict[str, int], cell: int | None) -> dict[str, object]:
    out: dict[str, object] = {
        "physicalLocation": {"artifactLocation": {"uri": _uri(path)}, "region": region}
    }
    if cell is not None:  # lines count within the cell; SARIF has no word for cells
        out["logicalLocations"] = [{"name": f"cell {cell}", "kind": "member"}]
    return out


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(path, safe="/")


def as_github(findings: Sequence[Finding]) -> str:
    """Workflow commands that become annotations; a notebook's are put at its first line."""
    return "\n".join(map(_annotation, findings))


def _annotation(finding: Finding) -> str:
    place = finding.place
    where = f"file={_property(place.path)}"
    message = finding.message
    if place.cell is None:
        where += f",line={place.line},col={place.column}"
        if place.end_line:
            where += f",endLine={place.end_line}"
            if place.end_line == place.line:
                where += f",endColumn={place.end_column}"
    else:
        where += ",line=1"
        message = f"cell {place.cell}, line {place.line}: {message}"
    title = _property(f"{finding.code} {finding.name}")
    return f"::{_GITHUB_LEVEL[finding.severity]} {where},title={title}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
