"""The rows of a data file in another order, for controls: bytes in, bytes out.

A model that was trained on permuted labels, or predicts from permuted inputs, must fall to
chance (Ojala and Garriga, "Permutation Tests for Studying Classifier Performance", JMLR 11,
2010). Everything but the order stays as it was, byte for byte: quotes, line ends, the header.
Where the file is, and who sees the copy, is not known here.
"""

from __future__ import annotations

import ast
import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

from autosota.agents.domain import RowsControl
from autosota.server.errors import UserError

LARGEST = 256 * 2**20
"""Bytes of a file above which it is not permuted: it is held in memory several times."""

_MAGIC = b"\x93NUMPY"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_ENDS = re.compile(rb"\r\n|\n|\r")


class ControlNotPossible(UserError):
    """A control that this repository or this machine does not allow; nothing was run.

    The message says why in one line, and reads on after "this control could not be run: ".
    """


def permuted(content: bytes, control: RowsControl, seed: int) -> bytes:
    """The content of `control.file` with its rows in another order, drawn from the seed.

    CSV and TSV files have a header, which stays; with a column only its values move. A .npy
    array is permuted along its first axis, a .txt file line by line. The order is never the
    one it was.

    Raises:
        ControlNotPossible: another format, a column that is not there, or fewer than two
            different rows.
    """
    suffix = PurePosixPath(control.file).suffix.lower()
    read = _FORMATS.get(suffix)
    if read is None:
        known = ", ".join(_FORMATS)
        raise ControlNotPossible(
            f"{control.file}: rows of a {suffix or 'nameless'} file cannot be permuted; "
            f"{known} can be"
        )
    if control.column and suffix not in (".csv", ".tsv"):
        raise ControlNotPossible(
            f"{control.file}: a {suffix} file has no columns by name; leave column out"
        )
    rows = read(content, control)
    if len(set(rows.rows)) < 2:
        what = f"the column {control.column!r}" if control.column else "it"
        raise ControlNotPossible(
            f"{control.file}: {what} has fewer than two different rows, so their order says nothing"
        )
    return rows.join(_shuffled(rows.rows, seed))


def _shuffled(rows: Sequence[bytes], seed: int) -> list[bytes]:
    draw = random.Random(repr(("permute", seed)))  # a text seeds alike in every version
    moved = list(rows)
    while moved == list(rows):  # there are two different rows: it ends
        draw.shuffle(moved)
    return moved


@dataclass(frozen=True, slots=True)
class _Rows:
    """What moves, and how the file is put together again from it."""

    rows: Sequence[bytes]
    join: Callable[[Sequence[bytes]], bytes]


# ------------------------------------------------------------------ text


def _lines(content: bytes, control: RowsControl) -> _Rows:
    """The lines of a text; empty ones stay where they are."""
    _refuse_wide(content, control)
    start = len(_BYTE_ORDER_MARK) if content.startswith(_BYTE_ORDER_MARK) else 0
    edges = [start, *(at for m in _ENDS.finditer(content, start) for at in m.span()), len(content)]
    spans = [(a, b) for a, b in list(pairwise(edges))[::2] if a < b]
    return _spans(content, spans)


def _table(content: bytes, control: RowsControl) -> _Rows:
    """The records below the header of a CSV or TSV file, or the fields of one column."""
    _refuse_wide(content, control)
    start = len(_BYTE_ORDER_MARK) if content.startswith(_BYTE_ORDER_MARK) else 0
    header_end = _ENDS.search(content, start)
    first = content[start : header_end.start()] if header_end else content[start:]
    separator = b"\t" if control.file.lower().endswith(".tsv") else b","
    if separator not in first and b";" in first:
        separator = b";"
    records = _records(content, start, separator)
    header = next(records, None)
    if header is None:
        raise ControlNotPossible(f"{control.file}: it is empty")
    if not control.column:
        return _spans(content, [(fields[0][0], fields[-1][1]) for fields in records])
    names = [_plain(content[a:b]) for a, b in header]
    if names.count(control.column) != 1:
        found = "is there twice" if control.column in names else "is not in its header"
        shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        raise ControlNotPossible(f"{control.file}: {control.column!r} {found} ({shown[:200]})")
    at = names.index(control.column)
    spans = []
    for number, fields in enumerate(records, 2):
        if len(fields) <= at:
            raise ControlNotPossible(
                f"{control.file}: row {number} has no column {control.column!r}; mend the file"
            )
        spans.append(fields[at])
    return _spans(content, spans)


def _records(content: bytes, start: int, separator: bytes) -> Iterator[list[tuple[int, int]]]:
    """The fields of each record as spans, quotes included (RFC 4180); empty lines left out."""
    one = re.escape(separator)
    field = re.compile(
        rb'("(?:[^"]|"")*"[^' + one + rb"\r\n]*|[^" + one + rb"\r\n]*)(" + one + rb"|\r\n|\n|\r|\Z)"
    )
    fields: list[tuple[int, int]] = []
    at = start
    while at < len(content) or fields:
        found = field.match(content, at)
        assert found is not None  # the second alternative matches anything
        fields.append(found.span(1))
        at = found.end()
        if found[2] != separator:
            if len(fields) > 1 or fields[0][0] < fields[0][1]:
                yield fields
            fields = []


def _plain(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace").strip()
    return text[1:-1].replace('""', '"') if len(text) > 1 and text[0] == text[-1] == '"' else text


def _spans(content: bytes, spans: Sequence[tuple[int, int]]) -> _Rows:
    """Rows that are spans of the content; what lies between them stays."""

    def join(rows: Sequence[bytes]) -> bytes:
        parts: list[bytes] = []
        at = 0
        for (begin, end), row in zip(spans, rows, strict=True):
            parts += (content[at:begin], row)
            at = end
        return b"".join((*parts, content[at:]))

    return _Rows([content[a:b] for a, b in spans], join)


def _refuse_wide(content: bytes, control: RowsControl) -> None:
    if content.startswith(_WIDE_MARKS):
        raise ControlNotPossible(f"{control.file}: is in UTF-16; save it as UTF-8")


# ------------------------------------------------------------------ arrays


def array_rows(content: bytes, label: str) -> tuple[str, tuple[int, ...], list[bytes]]:
    """The type, the shape and the rows along the first axis of a .npy file; never unpickles.

    Args:
        content: The file (NEP 1).
        label: What the file is called.

    Raises:
        ControlNotPossible: it is no such array, holds Python objects, or no rows.
    """
    kind, shape, rows = _read_array(content, label)
    return kind, shape, list(rows.rows)


def _array(content: bytes, control: RowsControl) -> _Rows:
    return _read_array(content, control.file)[2]


def _read_array(content: bytes, label: str) -> tuple[str, tuple[int, ...], _Rows]:
    start, kind, shape, fortran = _header(content, label)
    body = content[start:]
    count = shape[0] if shape else 0
    blocks = math.prod(shape[1:]) if fortran else 1
    size, rest = divmod(len(body), count * blocks) if count * blocks else (0, 1)
    if rest or not size:
        raise ControlNotPossible(f"{label}: holds no rows, or is cut off")
    # in Fortran order a row is one item of each block; else it is one piece
    order = _blocks_in_c_order(shape[1:]) if fortran else [0]
    place = {block: at for at, block in enumerate(order)}
    pieces = [
        b"".join(body[(b * count + r) * size : (b * count + r + 1) * size] for b in order)
        for r in range(count)
    ]

    def join(rows: Sequence[bytes]) -> bytes:
        moved = (
            row[place[b] * size : (place[b] + 1) * size] for b in range(blocks) for row in rows
        )
        return content[:start] + b"".join(moved)

    return kind, shape, _Rows(pieces, join)


def _blocks_in_c_order(shape: Sequence[int]) -> list[int]:
    """The places in Fortran's order of the items that C's order has at 0, 1, 2 and so on."""
    order, stride = [0], 1
    for length in shape:
        order = [at + stride * n for at in order for n in range(length)]
        stride *= length
    return order


def _header(content: bytes, label: str) -> tuple[int, str, tuple[int, ...], bool]:
    """Where the data begins, the type, the shape, and whether the order is Fortran's."""
    try:
        if not content.startswith(_MAGIC):
            raise ValueError("no such file")
        width = 2 if content[6] == 1 else 4
        start = 8 + width + int.from_bytes(content[8 : 8 + width], "little")
        told = ast.literal_eval(content[8 + width : start].decode("utf-8"))
        shape, kind = tuple(int(n) for n in told["shape"]), str(told["descr"])
        fortran = bool(told["fortran_order"])
    except (ValueError, SyntaxError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise ControlNotPossible(f"{label}: is not an array that numpy.save wrote") from error
    if "O" in kind:
        raise ControlNotPossible(
            f"{label}: holds Python objects, which are never unpickled; save plain numbers"
        )
    return start, kind, shape, fortran and len(shape) > 1


_FORMATS: dict[str, Callable[[bytes, RowsControl], _Rows]] = {
    ".csv": _table,
    ".tsv": _table,
    ".npy": _array,
    ".txt": _lines,
}
