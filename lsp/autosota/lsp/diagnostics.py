"""Findings go to the client: pulled where it can, pushed where it cannot, never of an old text.

The cells of a notebook are always pushed: clients that pull do so for text documents only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from autosota.lsp.findings import diagnostics

if TYPE_CHECKING:
    from autosota.lsp.pages import Outcome, Page
    from autosota.lsp.server import Server


def show(server: Server, page: Page) -> None:
    """A page has a new outcome: push it, or let the client know that there is something new."""
    outcome = page.fresh
    if outcome is None:
        return
    for text in outcome.reading.notes:
        server.say_once(text)
    if not server.client.pulls_diagnostics or page.notebook:
        _push(server, page, outcome)
    elif page.unasked and server.client.refreshes_diagnostics:
        server.refresh_soon()
    page.unasked = False


def _push(server: Server, page: Page, outcome: Outcome) -> None:
    found = diagnostics(page, outcome, server.pages, server.client, server.checks.links)
    for uri in page.shown - found.keys():  # cells that are gone
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))
    for uri, rows in found.items():
        server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri, rows, outcome.versions.get(uri))
        )
    page.shown = {uri for uri, rows in found.items() if rows}


def withdraw(server: Server, page: Page) -> None:
    """A page was closed: nothing of it is shown any more."""
    for uri in page.shown:
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))
    page.shown = set()


async def pull(
    server: Server, params: types.DocumentDiagnosticParams
) -> types.DocumentDiagnosticReport:
    """The findings of a document as it is now."""
    page = server.pages.get(params.text_document.uri)
    if page is None or page.notebook:
        return types.RelatedFullDocumentDiagnosticReport(items=[])
    outcome = await server.checks.outcome(page)
    if outcome is None:
        return types.RelatedFullDocumentDiagnosticReport(items=[])
    name = str(outcome.generation)
    if params.previous_result_id == name:
        return types.RelatedUnchangedDocumentDiagnosticReport(result_id=name)
    found = diagnostics(page, outcome, server.pages, server.client, server.checks.links)
    rows = [row for one in found.values() for row in one]
    return types.RelatedFullDocumentDiagnosticReport(items=rows, result_id=name)
