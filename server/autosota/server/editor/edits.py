"""Changes of a document in lines and columns, and those that lead from one text to another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

from autosota.agents.check.fixes import Sheet
from autosota.agents.code.source import Edit


@dataclass(frozen=True, slots=True)
class Change:
    """Replace a stretch of a document, or of a cell of it, by text.

    Lines and columns count from 1, columns in characters; the end is not part of the stretch.
    """

    cell: int | None
    line: int
    column: int
    end_line: int
    end_column: int
    text: str


def changes(sheet: Sheet, edits: Iterable[Edit]) -> tuple[Change, ...]:
    """Edits of bytes as changes of the document and its cells."""
    return tuple(_change(sheet, edit) for edit in sorted(edits))


def _change(sheet: Sheet, edit: Edit) -> Change:
    document = sheet.document
    line, column, cell = document.point(edit.start)
    last = edit.end
    inside = document.cell_at(edit.start)
    if inside is not None:  # what ends where its cell ends must not be counted in the next one
        last = min(last, inside.end - 1) if edit.end >= inside.end else last
    end_line, end_column, _ = document.point(max(last, edit.start))
    if inside is not None and edit.end >= inside.end and last >= edit.start:
        # The line end that closes a cell is ours, not the cell's: stop before it.
        text = edit.text.removesuffix(sheet.newline)
        return Change(cell, line, column, end_line, end_column, text.decode("utf-8", "replace"))
    return Change(cell, line, column, end_line, end_column, edit.text.decode("utf-8", "replace"))


def line_changes(old: bytes, new: bytes) -> tuple[Change, ...]:
    """The changes, of whole lines, that lead from one script's text to another."""
    lines = old.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def place(offset: int) -> tuple[int, int]:
        row = min(bisect_right(starts, offset) - 1, len(lines))
        if row and row == len(lines) and not lines[-1].endswith((b"\n", b"\r")):
            return row, len(lines[-1].decode("utf-8", "replace")) + 1
        return row + 1, 1

    return tuple(
        Change(None, *place(e.start), *place(e.end), e.text.decode("utf-8", "replace"))
        for e in between(old, new)
    )


def between(old: bytes, new: bytes) -> list[Edit]:
    """The edits, of whole lines, that lead from one text to another."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    tail = 0
    most = min(len(before), len(after)) - head
    while tail < most and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    ours, theirs = before[head : len(before) - tail], after[head : len(after) - tail]
    starts = [sum(map(len, before[:head]))]
    for line in ours:
        starts.append(starts[-1] + len(line))
    found = []
    for kind, a, b, c, d in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if kind != "equal":
            found.append(Edit(starts[a], starts[b], b"".join(theirs[c:d])))
    return found
