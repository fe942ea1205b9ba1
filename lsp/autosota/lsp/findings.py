"""Findings as diagnostics."""

from __future__ import annotations

import os
from collections.abc import Mapping

from lsprotocol import types
from pygls.uris import from_fs_path

from autosota.agents.domain import Finding, RelatedPlace, Severity
from autosota.lsp.client import Client
from autosota.lsp.pages import Outcome, Page, Pages

SOURCE = "autosota"
_SEVERITIES = {
    Severity.BLOCK: types.DiagnosticSeverity.Error,
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.INFO: types.DiagnosticSeverity.Information,
}
_UNNECESSARY = frozenset({"NB898"})


def diagnostics(
    page: Page, outcome: Outcome, pages: Pages, client: Client, links: Mapping[str, str]
) -> dict[str, list[types.Diagnostic]]:
    """The findings of a page by the URI of the document they stand in; each URI is there.

    Args:
        page: The page.
        outcome: What was found on it, as its documents are now.
        pages: Where positions come from.
        client: What the client can show.
        links: The page of each rule.
    """
    found: dict[str, list[types.Diagnostic]] = {d.uri: [] for _, d in pages.documents(page)}
    for finding in outcome.reading.findings:
        document = pages.find(page, finding.place.cell)
        if document is None:
            continue
        link = links.get(finding.code, "")
        found[document.uri].append(
            types.Diagnostic(
                range=pages.range(document, finding.place),
                message=finding.message,
                severity=_SEVERITIES[finding.severity],
                code=finding.code,
                code_description=types.CodeDescription(link)
                if link and client.shows_links
                else None,
                source=SOURCE,
                tags=_tags(finding, client),
                related_information=_related(page, finding, outcome, pages)
                if client.shows_related
                else None,
            )
        )
    return found


def _tags(finding: Finding, client: Client) -> list[types.DiagnosticTag] | None:
    tag = types.DiagnosticTag.Unnecessary
    return [tag] if finding.code in _UNNECESSARY and tag in client.shows_tags else None


def _related(
    page: Page, finding: Finding, outcome: Outcome, pages: Pages
) -> list[types.DiagnosticRelatedInformation] | None:
    notes = []
    for other in finding.related:
        location = _location(page, other, outcome, pages)
        if location is not None:
            notes.append(types.DiagnosticRelatedInformation(location, other.message))
    return notes or None


def _location(
    page: Page, other: RelatedPlace, outcome: Outcome, pages: Pages
) -> types.Location | None:
    if other.path == outcome.reading.name:
        document = pages.find(page, other.cell)
        if document is None:
            return None
        return types.Location(document.uri, pages.whole_line(document, other.line))
    uri = from_fs_path(os.path.join(outcome.reading.root, other.path))
    if uri is None:
        return None
    opened = pages.document(uri)
    if opened is not None:
        return types.Location(opened.uri, pages.whole_line(opened, other.line))
    start = types.Position(other.line - 1, 0)
    return types.Location(uri, types.Range(start, types.Position(other.line, 0)))
