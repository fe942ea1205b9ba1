"""The lines that findings point at: of a script, of a notebook's cell, and of a notebook's file.

Lines break where the engine breaks them. What a finding says is not known here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

LARGEST = 200_000_000
"""Bytes above which a file is not even opened; a notebook with its pictures may be large."""
_NEWLINE = re.compile(r"\r\n|\r|\n")
_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')


class Texts:
    """Contents of files by the path they are shown as, read when asked for."""

    def __init__(self, contents: Mapping[str, bytes] | None = None) -> None:
        """`contents` stands in for files, such as an editor's unsaved text."""
        self._contents = dict(contents or {})
        self.content = lru_cache(maxsize=64)(self._content)
        self._split = lru_cache(maxsize=64)(self._lines)
        self._cells = lru_cache(maxsize=4)(self._notebook)
        self._raw = lru_cache(maxsize=4)(self._raw_lines)

    def _content(self, path: str) -> bytes:
        if path in self._contents:
            return self._contents[path]
        try:
            with open(path, "rb") as file:
                return file.read(LARGEST)
        except (OSError, ValueError):
            return b""

    def line(self, path: str, cell: int | None, line: int) -> str:
        """One line of a script or of a cell; `''` when there is none."""
        lines = self._split(path, cell)
        return lines[line - 1] if 0 < line <= len(lines) else ""

    def _lines(self, path: str, cell: int | None) -> list[str]:
        if cell is None:
            return _NEWLINE.split(_decoded(self.content(path)))
        sources = self._cells(path)
        return _NEWLINE.split("".join(sources[cell])) if 0 <= cell < len(sources) else []

    def _notebook(self, path: str) -> list[list[str]]:
        try:
            return [_source(c) for c in _cells_of(json.loads(_decoded(self.content(path))))]
        except (ValueError, RecursionError):
            return []

    def file_line(self, path: str, cell: int | None, line: int) -> int:
        """The line of the file itself; a cell's line stands somewhere in the notebook's JSON."""
        if cell is None:
            return line
        return self._raw(path).get((cell, line), 1)

    def _raw_lines(self, path: str) -> dict[tuple[int, int], int]:
        """Where each line of each cell stands in the file, both from 1."""
        sources = self._cells(path)
        strings = _strings(_decoded(self.content(path)))
        out: dict[tuple[int, int], int] = {}
        for cell, pieces in enumerate(sources):
            where = next((s for s in strings if [t for t, _ in s] == pieces), None)
            line = 1
            for piece, (_, at) in zip(pieces, where or (), strict=False):
                breaks = len(_NEWLINE.findall(piece))
                for extra in range(breaks + (not piece.endswith(("\n", "\r")))):
                    out.setdefault((cell, line + extra), at)
                line += breaks
        return out


def _cells_of(notebook: object) -> list[object]:
    if not isinstance(notebook, dict):
        return []
    cells = notebook.get("cells")
    if isinstance(cells, list):
        return cells
    sheets = notebook.get("worksheets")
    found: list[object] = []
    for sheet in sheets if isinstance(sheets, list) else []:
        inner = sheet.get("cells") if isinstance(sheet, dict) else None
        found += inner if isinstance(inner, list) else []
    return found


def _source(cell: object) -> list[str]:
    if not isinstance(cell, dict):
        return []
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, str):
        return [source]
    return [s for s in source if isinstance(s, str)] if isinstance(source, list) else []


def _strings(text: str) -> Iterator[list[tuple[str, int]]]:
    """The values of every `source` and `input` of a JSON text, each string with its line.

    An iterator in the order of the file, so that cells with equal code are told apart.
    """
    tokens = _TOKEN.finditer(text)
    line, seen = 1, 0
    for token in tokens:
        if token.group() not in ('"source"', '"input"'):
            continue
        if getattr(next(tokens, None), "group", str)() != ":":
            continue
        pieces = []
        depth = 0
        for value in tokens:
            word = value.group()
            if word == "[":
                depth += 1
            elif word == "]":
                depth -= 1
            elif word[0] == '"':
                line += text.count("\n", seen, value.start())
                seen = value.start()
                try:
                    pieces.append((json.loads(word), line))
                except ValueError:
                    return
            elif word != ",":
                break
            if depth <= 0:
                break
        yield pieces


def _decoded(content: bytes) -> str:
    """The text of a file as the engine counts its characters."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    for line in content.split(b"\n", 2)[:2]:
        declared = _CODING.match(line)
        if declared:
            try:
                return content.decode(declared.group(1).decode("ascii"), "replace")
            except (LookupError, UnicodeError):
                break
    return content.decode("utf-8-sig", "replace")
