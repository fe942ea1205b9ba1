"""Edits of a document applied to the bytes of its file, each in the cell it begins in."""

from __future__ import annotations

import json
from collections.abc import Iterable

from autosota.agents.check.fixes.sheet import Sheet
from autosota.agents.code.source import Edit

_MARK = b"\xef\xbb\xbf"


def apply(sheet: Sheet, content: bytes, edits: Iterable[Edit]) -> bytes:
    """The file after these edits.

    Args:
        sheet: The document.
        content: The bytes it was read from, in UTF-8.
        edits: Of the document's text; none touches another.
    """
    ordered = sorted(edits)
    if not sheet.document.is_notebook:
        mark = _MARK if content.startswith(_MARK) else b""
        return mark + _within(content[len(mark) :], 0, ordered)
    notebook = json.loads(content.decode("utf-8-sig", "replace"))
    for cell in sheet.document.cells:
        own = [e for e in ordered if cell.start <= e.start < cell.end]
        if own:
            row = notebook["cells"][cell.index]
            source = row["source"]
            text = source if isinstance(source, str) else "".join(source)
            raw = text.encode("utf-8", "replace")
            row["source"] = _within(raw, cell.start, own).decode("utf-8", "replace")
    return json.dumps(notebook, ensure_ascii=False).encode()


def _within(text: bytes, base: int, edits: list[Edit]) -> bytes:
    for edit in reversed(edits):
        start = min(edit.start - base, len(text))
        end = min(edit.end - base, len(text))
        text = text[:start] + edit.text + text[end:]
    return text
