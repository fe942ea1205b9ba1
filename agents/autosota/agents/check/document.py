"""A script or a notebook as one virtual text, and the way back from its bytes to lines and cells.

What does not belong to Python is blanked with equal length (magics, shell lines, BOM, NUL), so
positions stay true. Nothing of Python's grammar is known here.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate

from autosota.agents.domain import Place

LARGEST = 5_000_000
"""Bytes of code above which a file is not analysed."""
_LARGEST_NOTEBOOK = 200_000_000
_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_RUN = re.compile(
    rb"%%?(?:time|timeit|prun|memit|mprun|lprun|snakeviz)\b[ \t]*(?:-\w+[ \t]*\d*[ \t]+)*"
)
_PYTHON_CELL = re.compile(
    rb"%%(?:time|timeit|capture|prun|memit|mprun|lprun|snakeviz|notify|debug|skip|px|python3?|py)\b"
)
_MAGIC = re.compile(
    rb"[ \t]*(?:%%?[A-Za-z_]|!|\?{1,2}[\w.%]|[\w.]+\?{1,2}[ \t]*$|[\w.,\[\] \t]+=[ \t]*[!%][\w/.])"
)


class Unreadable(ValueError):
    """The bytes are no script or notebook; the message says why."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A code cell.

    Attributes:
        index: Its index among all cells of the notebook.
        start, end: Its bytes in the virtual text.
        execution_count: As stored, None when it was not run.
    """

    index: int
    start: int
    end: int
    execution_count: int | None = None


@dataclass(slots=True)
class Document:
    """The virtual text of a file.

    Attributes:
        path: As given.
        text: UTF-8 bytes of all code, cells one after another.
        cells: The code cells of a notebook; a script has none.
    """

    path: str
    text: bytes
    cells: tuple[Cell, ...] = ()
    _lines: list[int] = field(default_factory=list)

    @classmethod
    def read(cls, path: str, content: bytes) -> Document:
        """The document in these bytes.

        Raises:
            Unreadable: it is no notebook, or too large.
        """
        if path.endswith(".ipynb"):
            return _notebook(path, content)
        if len(content) > LARGEST:
            raise Unreadable(
                f"{path}: {len(content)} bytes of code, more than {LARGEST}; not analysed"
            )
        return cls(path, blank(_utf8(path, content), notebook=False))

    @property
    def is_notebook(self) -> bool:
        """Whether it is a notebook."""
        return self.path.endswith(".ipynb")

    @property
    def segments(self) -> tuple[tuple[int, int], ...]:
        """The stretches that are parsed apart: the cells, or the whole script."""
        if self.is_notebook:
            return tuple((c.start, c.end) for c in self.cells)
        return ((0, len(self.text)),)

    def lines(self) -> list[int]:
        """The byte at which each line starts."""
        if not self._lines:
            ends = list(accumulate(map(len, self.text.splitlines(keepends=True))))
            if self.text[-1:] not in (b"\n", b"\r"):
                ends = ends[:-1]
            self._lines = [0, *ends]
        return self._lines

    def cell_at(self, offset: int) -> Cell | None:
        """The cell that holds a byte of the virtual text."""
        at = bisect_right(self.cells, offset, key=lambda c: c.start) - 1
        return self.cells[at] if at >= 0 else None

    def point(self, offset: int) -> tuple[int, int, int | None]:
        """Line and column from 1 (columns in characters; within the cell), and the cell."""
        starts = self.lines()
        line = bisect_right(starts, offset) - 1
        column = len(self.text[starts[line] : offset].decode("utf-8", "replace"))
        cell = self.cell_at(offset)
        if cell is None:
            return line + 1, column + 1, None
        first = bisect_right(starts, cell.start) - 1
        return line - first + 1, column + 1, cell.index

    def row(self, offset: int) -> int:
        """The line of the virtual text, from 0, that holds a byte."""
        return bisect_right(self.lines(), offset) - 1

    def span(self, place: Place) -> tuple[int, int]:
        """The bytes of a place of this document."""
        starts = self.lines()
        first = 0
        if place.cell is not None:
            first = next((self.row(c.start) for c in self.cells if c.index == place.cell), 0)

        def offset(line: int, column: int) -> int:
            row = min(max(line - 1 + first, 0), len(starts) - 1)
            end = starts[row + 1] if row + 1 < len(starts) else len(self.text)
            text = self.text[starts[row] : end].decode("utf-8", "replace")
            return starts[row] + len(text[: column - 1].encode("utf-8", "replace"))

        start = offset(place.line, place.column)
        if not place.end_line:
            return start, start + 1
        return start, offset(place.end_line, place.end_column)

    def place(self, start: int, end: int) -> Place:
        """The place of bytes `start` to `end`."""
        line, column, cell = self.point(start)
        end_line, end_column, _ = self.point(end)
        return Place(self.path, line, column, end_line, end_column, cell)


def _utf8(path: str, content: bytes) -> bytes:
    """The same text as UTF-8, of equal length where it was UTF-8 already.

    Raises:
        Unreadable: it is in no encoding it says it is in.
    """
    if content.startswith(b"\xef\xbb\xbf"):
        content = content[3:]
    elif content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace").encode("utf-8", "replace")
    try:
        content.decode("utf-8")
        return content
    except UnicodeDecodeError:
        pass
    for line in content.split(b"\n", 2)[:2]:
        declared = _CODING.match(line)
        if declared:
            try:
                name = declared.group(1).decode("ascii").lower()
                if name.replace("_", "-") in ("utf-8", "utf8"):
                    break
                return content.decode(name, "replace").encode("utf-8", "replace")
            except (LookupError, UnicodeError):
                break
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"{path}: byte 0x{content[error.start]:02x} at {error.start} is not UTF-8: save it as "
            "UTF-8 or declare its encoding in the first line"
        ) from None
    return content


def blank(text: bytes, notebook: bool) -> bytes:
    """The text with what is not Python blanked, byte for byte."""
    if b"\0" in text:
        text = text.replace(b"\0", b" ")
    if b"\r" in text:
        text = re.sub(rb"\r(?!\n)", b"\n", text)
    if not (b"%" in text or b"!" in text or (notebook and b"?" in text)):
        return text
    if not notebook:
        if b"\n%" not in text and b"\n!" not in text and text[:1] not in (b"%", b"!"):
            return text
        return re.sub(rb"^(?:%%?[a-z]\w*\b|![ \t]*[\w/.-]).*$", _blank_line, text, flags=re.M)
    lines = text.split(b"\n")
    head = next((i for i, line in enumerate(lines) if line.strip()), 0)
    if lines[head].startswith(b"%%") and not _PYTHON_CELL.match(lines[head]):
        return re.sub(rb"[^\n]", b" ", text)
    continued = False
    for i, line in enumerate(lines):
        if continued or _MAGIC.match(line):
            continued = line.rstrip().endswith(b"\\") and b"%" not in line[:1]
            run = _RUN.match(line)
            if run and not line.startswith(b"%%") and run.end() < len(line.rstrip()):
                lines[i] = b"0" + b" " * (run.end() - 2) + b";" + line[run.end() :]
            else:
                lines[i] = b" " * len(line)
    return b"\n".join(lines)


def _blank_line(match: re.Match[bytes]) -> bytes:
    return b" " * len(match.group())


def _notebook(path: str, content: bytes) -> Document:
    if len(content) > _LARGEST_NOTEBOOK:
        raise Unreadable(f"{path}: {len(content)} bytes, more than {_LARGEST_NOTEBOOK}")
    try:
        data = json.loads(content.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{path}: not a notebook: {error}") from None
    if not isinstance(data, dict):
        raise Unreadable(f"{path}: not a notebook: the top level is no object")
    if not _is_python(data):
        return Document(path, b"")
    cells = data.get("cells")
    if not isinstance(cells, list):
        sheets = data.get("worksheets")
        if not isinstance(sheets, list):
            raise Unreadable(f"{path}: not a notebook: it has neither cells nor worksheets")
        cells = [
            c
            for s in sheets
            if isinstance(s, dict) and isinstance(s.get("cells"), list)
            for c in s["cells"]
        ]
    parts: list[bytes] = []
    found: list[Cell] = []
    at = 0
    for index, cell in enumerate(cells):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        language = cell.get("language", "python")
        source = cell.get("source", cell.get("input", ""))
        if isinstance(source, list):
            source = "".join(s for s in source if isinstance(s, str))
        if not isinstance(source, str) or not str(language).lower().startswith("python"):
            continue
        text = blank(source.encode("utf-8", "replace"), notebook=True)
        if not text.endswith(b"\n"):
            text += b"\n"
        count = cell.get("execution_count", cell.get("prompt_number"))
        number = count if isinstance(count, int) and not isinstance(count, bool) else None
        found.append(Cell(index, at, at + len(text), number))
        parts.append(text)
        at += len(text)
    if at > LARGEST:
        raise Unreadable(f"{path}: {at} bytes of code, more than {LARGEST}; not analysed")
    return Document(path, b"".join(parts), tuple(found))


def _is_python(data: dict[str, object]) -> bool:
    meta = data.get("metadata")
    if not isinstance(meta, dict):
        return True
    for key, name in (("kernelspec", "language"), ("language_info", "name")):
        inner = meta.get(key)
        if isinstance(inner, dict) and isinstance(inner.get(name), str):
            return str(inner[name]).lower().startswith(("python", "ipython", "sage"))
    return True
