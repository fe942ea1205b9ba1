"""Opening, editing and closing of scripts and notebooks. pygls has applied the edit already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from autosota.lsp.pages import Page
    from autosota.lsp.server import Server

_PYTHON = "python"


def did_open(server: Server, params: types.DidOpenTextDocumentParams) -> None:
    """A text document was opened."""
    if params.text_document.language_id != _PYTHON:
        return
    _opened(server, server.pages.open(params.text_document.uri, notebook=False))


def did_change(server: Server, params: types.DidChangeTextDocumentParams) -> None:
    """A text document was edited."""
    page = server.pages.of(params.text_document.uri)
    document = server.pages.document(params.text_document.uri)
    if page is not None and document is not None:
        document.version = params.text_document.version  # pygls forgets it when nothing changed
        server.checks.changed(page)
        server.looks.edited(page, params.content_changes)
        server.looks.changed(page)


def did_close(server: Server, params: types.DidCloseTextDocumentParams) -> None:
    """A text document was closed."""
    _closed(server, server.pages.close(params.text_document.uri))


def notebook_did_open(server: Server, params: types.DidOpenNotebookDocumentParams) -> None:
    """A notebook was opened."""
    _opened(server, server.pages.open(params.notebook_document.uri, notebook=True))


def notebook_did_change(server: Server, params: types.DidChangeNotebookDocumentParams) -> None:
    """Cells were edited, moved, added or removed."""
    page = server.pages.get(params.notebook_document.uri)
    if page is not None:
        server.checks.changed(page)


def notebook_did_close(server: Server, params: types.DidCloseNotebookDocumentParams) -> None:
    """A notebook was closed."""
    _closed(server, server.pages.close(params.notebook_document.uri))


def _opened(server: Server, page: Page | None) -> None:
    if page is not None:
        server.checks.changed(page)
        server.looks.changed(page)


def _closed(server: Server, page: Page | None) -> None:
    if page is not None:
        server.checks.closed(page)
        from autosota.lsp import diagnostics

        server.looks.closed(page)
        diagnostics.withdraw(server, page)
