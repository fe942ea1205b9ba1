"""Findings as SARIF 2.1.0 (OASIS standard, 2020), as code scanning services read it.

A region is one of the file, so a notebook's cell is given as lines of its JSON, and in words.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from urllib.parse import quote

from autosota.agents.domain import Finding, Severity
from autosota.agents.rules import RULES
from autosota.agents.rules.pages import page
from autosota.server import product_version
from autosota.server.check.formats import in_cell
from autosota.server.check.running import Outcome
from autosota.server.check.source_text import Texts

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVEL = {
    Severity.BLOCK: "error",
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "note",
}
_HASHED = 1000
"""Characters of a line that tell a finding from the others of its rule."""
Json = dict[str, object]


def as_sarif(outcome: Outcome) -> str:
    """A log with one run; what comments suppressed is in it, marked so."""
    both = (*outcome.findings, *outcome.suppressed)
    codes = sorted({f.code for f in both})
    results = [_result(f, codes, outcome.texts) for f in both]
    for result in results[len(outcome.findings) :]:
        result["suppressions"] = [{"kind": "inSource"}]
    driver = {
        "name": "autosota",
        "version": product_version(),
        "rules": [_rule(code) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": results,
        "invocations": [{"executionSuccessful": not outcome.unread}],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(code: str) -> Json:
    rule = RULES[code]
    return {
        "id": code,
        "name": code,
        "shortDescription": {"text": rule.name},
        "fullDescription": {"text": rule.what},
        "help": {"text": rule.why, "markdown": page(rule)},
        "defaultConfiguration": {"level": _LEVEL[rule.severity]},
        "properties": {"red_line": rule.red_line, "tags": ["validity", rule.red_line]},
    }


def _result(finding: Finding, codes: Sequence[str], texts: Texts) -> Json:
    place = finding.place
    region: Json = {"startLine": texts.file_line(place.path, place.cell, place.line)}
    message = finding.message
    if place.cell is not None:
        message = f"cell {place.cell}, line {place.line}: {message}"
    else:
        region["startColumn"] = place.column
        if place.end_line:
            region |= {"endLine": place.end_line, "endColumn": place.end_column}
    line = ""
    if finding.code != "NB899":  # there is nothing to read
        line = " ".join(texts.line(place.path, place.cell, place.line)[:_HASHED].split())
    known = hashlib.blake2b(f"{finding.code}\n{line}".encode("utf-8", "replace"), digest_size=16)
    result: Json = {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": _LEVEL[finding.severity],
        "message": {"text": message},
        "locations": [_location(place.path, region, place.cell)],
        "partialFingerprints": {"codeAndLine/v1": known.hexdigest()},
    }
    if finding.related:
        result["relatedLocations"] = [
            {"id": i, "message": {"text": in_cell(r.cell, r.message)}}
            | _location(r.path, {"startLine": texts.file_line(r.path, r.cell, r.line)}, r.cell)
            for i, r in enumerate(finding.related)
        ]
    return result


def _location(path: str, region: Json, cell: int | None) -> Json:
    at = quote(os.fsencode(path))
    if path.startswith("/"):
        at = f"file://{at}"
    out: Json = {"physicalLocation": {"artifactLocation": {"uri": at}, "region": region}}
    if cell is not None:
        out["logicalLocations"] = [{"name": f"cell {cell}"}]
    return out
