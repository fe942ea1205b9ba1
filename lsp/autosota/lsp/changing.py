"""Changes as workspace edits: at the version they were made for, with a word on what they do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsprotocol import types

from autosota.lsp.pages import Page, Pages

if TYPE_CHECKING:
    from autosota.lsp.client import Client
    from autosota.server.editor.edits import Change


@dataclass(frozen=True, slots=True)
class Note:
    """What a change does, for a preview; `confirm` asks the user to look at it first."""

    label: str
    description: str = ""
    confirm: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """Changes of one text document, at the version they were made for."""

    uri: str
    version: int | None
    edits: tuple[types.TextEdit, ...]


def targets(
    pages: Pages, page: Page, changes: Iterable[Change], versions: Mapping[str, int | None]
) -> list[Target]:
    """The changes of a page, by the document they fall in."""
    found: dict[str, list[types.TextEdit]] = {}
    for change in changes:
        document = pages.find(page, change.cell)
        if document is None:
            continue
        start = pages.position(document, change.line, change.column)
        end = pages.position(document, change.end_line, change.end_column)
        edit = types.TextEdit(types.Range(start, end), change.text)
        found.setdefault(document.uri, []).append(edit)
    return [Target(uri, versions.get(uri), tuple(edits)) for uri, edits in found.items()]


def line_targets(pages: Pages, uri: str, before: bytes, after: bytes) -> tuple[types.TextEdit, ...]:
    """The edits of whole lines that lead from one text of a document to another.

    `before` is the document's text where it is open, else its file's.
    """
    from autosota.server.editor.edits import line_changes

    document = pages.document(uri)
    edits = []
    for change in line_changes(before, after):
        if document is not None:
            start = pages.position(document, change.line, change.column)
            end = pages.position(document, change.end_line, change.end_column)
        else:  # columns other than the first only behind the last line, which ends there
            start = types.Position(change.line - 1, change.column - 1)
            end = types.Position(change.end_line - 1, change.end_column - 1)
        edits.append(types.TextEdit(types.Range(start, end), change.text))
    return tuple(edits)


def workspace_edit(
    found: Iterable[Target], client: Client, note: Note | None = None
) -> types.WorkspaceEdit:
    """One edit of all of them, in the richest form the client understands."""
    if not client.document_changes:
        return types.WorkspaceEdit(changes={t.uri: list(t.edits) for t in found})
    annotated = note is not None and client.annotates_changes
    changes: list[types.TextDocumentEdit] = []
    for target in found:
        edits: list[types.TextEdit | types.AnnotatedTextEdit | types.SnippetTextEdit] = [
            types.AnnotatedTextEdit("a", e.range, e.new_text) if annotated else e
            for e in target.edits
        ]
        name = types.OptionalVersionedTextDocumentIdentifier(target.uri, target.version)
        changes.append(types.TextDocumentEdit(name, edits))
    annotations = None
    if annotated and note is not None:
        said = types.ChangeAnnotation(note.label, note.confirm, note.description or None)
        annotations = {"a": said}
    return types.WorkspaceEdit(document_changes=list(changes), change_annotations=annotations)


def with_placeholder(edit: types.WorkspaceEdit, words: str) -> types.WorkspaceEdit:
    """The same edit with these words selected, to be typed over."""
    for change in edit.document_changes or ():
        if isinstance(change, types.TextDocumentEdit):
            change.edits = [_snippet(e, words) for e in change.edits]
    return edit


def _snippet(
    edit: types.TextEdit | types.AnnotatedTextEdit | types.SnippetTextEdit, words: str
) -> types.TextEdit | types.AnnotatedTextEdit | types.SnippetTextEdit:
    if isinstance(edit, types.SnippetTextEdit) or words not in edit.new_text:
        return edit
    before, _, after = edit.new_text.partition(words)
    text = f"{_literal(before)}${{1:{_literal(words)}}}{_literal(after)}"
    return types.SnippetTextEdit(edit.range, types.StringValue(text))


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("$", "\\$").replace("}", "\\}")
