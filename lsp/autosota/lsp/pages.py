"""What is open: scripts and notebooks as wholes, each with the documents it is made of.

A page is what the check reads: one text document, or a notebook with its cells. Positions go
both ways here, in the client's units; what is found on a page is not known.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from lsprotocol import types
from pygls.uris import to_fs_path, uri_scheme

from autosota.lsp.cures import Document, Documents

if TYPE_CHECKING:
    import asyncio

    from autosota.agents.domain import Place
    from autosota.server.editor.desk import Reading

SCHEMES = frozenset({"file", "untitled", "vscode-notebook", "vscode-interactive", ""})
"""Of what people write; a `git:` document is the past."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A page at one moment: the text the check reads, and the versions it is made of."""

    edits: int
    content: bytes
    versions: dict[str, int | None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check found on a page, and at which moment."""

    edits: int
    generation: int
    reading: Reading
    versions: dict[str, int | None]


@dataclass(slots=True, eq=False)
class Page:
    """A script or a notebook.

    Attributes:
        uri: As the client writes it.
        path: Where it is on disk; a mere name for what was never saved.
        saved: Whether `path` is a place on disk.
        notebook: Whether it has cells.
        edits: Counts changes of any of its documents.
        stale: Must be checked again although it did not change.
        unasked: What comes of it is news to a client that asks for findings after edits.
        outcome: Of the last check, of whatever version.
        cost: Seconds that the last check took.
        task: What checks it now.
    """

    uri: str
    path: str
    saved: bool
    notebook: bool
    edits: int = 0
    stale: bool = True
    unasked: bool = False
    open: bool = True
    outcome: Outcome | None = None
    cost: float = 0.0
    changed_at: float = 0.0
    task: asyncio.Task[None] | None = None
    shown: set[str] = field(default_factory=set)
    """URIs for which the client holds findings that we pushed."""

    @property
    def fresh(self) -> Outcome | None:
        """The outcome of the text as it is now, or None."""
        found = self.outcome
        return found if found and found.edits == self.edits and not self.stale else None


class Pages:
    """The open pages, by their URIs and by those of their cells."""

    def __init__(self) -> None:
        self._pages: dict[str, Page] = {}
        self.workspace: Documents | None = None

    def __iter__(self) -> Iterator[Page]:
        return iter(list(self._pages.values()))

    def open(self, uri: str, *, notebook: bool) -> Page | None:
        """A page was opened; None when it is none of ours."""
        scheme = uri_scheme(uri) or ""
        if scheme not in SCHEMES:
            return None
        path, saved = to_fs_path(uri), True
        if scheme != "file" or not path or not os.path.isabs(path):
            ending = ".ipynb" if notebook else ".py"
            name = os.path.basename(unquote(uri.partition(":")[2])) or "untitled"
            path, saved = name if name.endswith(ending) else name + ending, False
        page = Page(uri, path, saved, notebook)
        self._pages[unquote(uri)] = page
        return page

    def close(self, uri: str) -> Page | None:
        """A page was closed; None when it was not open."""
        page = self._pages.pop(unquote(uri), None)
        if page is not None:
            page.open = False
        return page

    def get(self, uri: str) -> Page | None:
        """The page of this URI."""
        return self._pages.get(unquote(uri))

    def at(self, path: str) -> Page | None:
        """The open script that is this file."""
        return next((p for p in self if p.saved and not p.notebook and p.path == path), None)

    def of(self, uri: str) -> Page | None:
        """The page that a text document is, or is a cell of."""
        page = self._pages.get(unquote(uri))
        if page is not None or self.workspace is None:
            return page
        notebook = self.workspace.get_notebook_document(cell_uri=uri)
        return self._pages.get(unquote(notebook.uri)) if notebook is not None else None

    # ------------------------------------------------------------------ texts

    def document(self, uri: str) -> Document | None:
        """An open text document."""
        return self.workspace.opened(uri) if self.workspace is not None else None

    def cells(self, page: Page) -> list[types.NotebookCell]:
        """The cells of a notebook, in order."""
        if self.workspace is None:
            return []
        notebook = self.workspace.get_notebook_document(notebook_uri=page.uri)
        return list(notebook.cells) if notebook is not None else []

    def documents(self, page: Page) -> list[tuple[int | None, Document]]:
        """The text documents of a page, each with its cell's index."""
        if not page.notebook:
            document = self.document(page.uri)
            return [(None, document)] if document is not None else []
        found = ((i, self.document(c.document)) for i, c in enumerate(self.cells(page)))
        return [(i, document) for i, document in found if document is not None]

    def snapshot(self, page: Page) -> Snapshot:
        """The page as it is now."""
        versions = {d.uri: d.version for _, d in self.documents(page)}
        return Snapshot(page.edits, self._content(page), versions)

    def _content(self, page: Page) -> bytes:
        if not page.notebook:
            document = self.document(page.uri)
            return _bytes(document.source) if document is not None else b""
        cells: list[dict[str, Any]] = []
        for cell in self.cells(page):
            document = self.document(cell.document)
            if cell.kind != types.NotebookCellKind.Code or document is None:
                cells.append({"cell_type": "markdown", "source": ""})
                continue
            ran = cell.execution_summary
            count = ran.execution_order if ran is not None else None
            source = _bytes(document.source).decode()
            cells.append({"cell_type": "code", "source": source, "execution_count": count})
        return json.dumps({"cells": cells}, ensure_ascii=False).encode()

    # ------------------------------------------------------------------ places

    def find(self, page: Page, cell: int | None) -> Document | None:
        """The text document of a page, or of a cell of it."""
        if not page.notebook:
            return self.document(page.uri)
        cells = self.cells(page)
        if cell is None or not 0 <= cell < len(cells):
            return None
        return self.document(cells[cell].document)

    def position(self, document: Document, line: int, column: int) -> types.Position:
        """Line and column in characters, from 1, in the client's units; kept inside the text."""
        count = len(document.starts)
        if line > count:
            return document.position(len(document.source))
        return document.at(line, column + _shift(document, line))

    def range(self, document: Document, place: Place) -> types.Range:
        """A place in the client's units; one without an end covers the word that begins there."""
        shift = _shift(document, place.line)
        start = document.at(place.line, place.column + shift)
        if place.end_line:
            return types.Range(start, self.position(document, place.end_line, place.end_column))
        line = document.line(place.line - 1)
        word = _WORD.match(line, place.column - 1 + shift)
        end = word.end() + 1 if word else place.column + shift + 1
        return types.Range(start, document.at(place.line, end))

    def whole_line(self, document: Document, line: int) -> types.Range:
        """The text of a line (from 1), without its indentation."""
        text = document.line(line - 1)
        indent = len(text) - len(text.lstrip())
        return types.Range(document.at(line, indent + 1), document.at(line, len(text) + 1))


def _shift(document: Document, line: int) -> int:
    """A byte order mark is a character of the client's text and none of the check's."""
    return int(line == 1 and document.source.startswith("\ufeff"))


def _bytes(text: str) -> bytes:
    """UTF-8; half a surrogate pair, which no file can hold, becomes one sign."""
    return text.encode("utf-8", "replace")
