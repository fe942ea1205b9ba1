"""Reading data files of different splits for the leakage probes: their rows, as bytes.

CSV, TSV and .npy files whose names tell their split; never labels, never pickles, and no more
than a bound of each. What equal rows mean is not known here.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from autosota.agents.supervisor.probes import SplitRows, split_of
from autosota.server.sandbox.metrics import number
from autosota.server.sandbox.permute import ControlNotPossible, array_rows

LARGEST = 256 * 2**20
"""Bytes; a larger file is left out, and that is said."""

MOST_ROWS = 1_000_000
"""Rows that are looked at of one file."""

_SEPARATORS = {".csv": ",", ".tsv": "\t"}
_NAMES_OF_INDEX = frozenset({"", "id", "index", "idx", "unnamed: 0", "row"})


def read_splits(root: Path, paths: Iterable[str]) -> tuple[list[SplitRows], list[str]]:
    """The files that the probes can compare, and what was left out, in words.

    Args:
        root: The user's folder.
        paths: Data files below it.
    """
    found: list[SplitRows] = []
    notes: list[str] = []
    named = [p for p in sorted(paths) if split_of(p) is not None]
    if len({split_of(p) for p in named}) < 2:
        return [], []
    for path in named:
        suffix = PurePosixPath(path).suffix.lower()
        place = root / path
        if suffix not in (*_SEPARATORS, ".npy") or not place.is_file():
            continue
        try:
            if place.stat().st_size > LARGEST:
                notes.append(f"{path}: larger than {LARGEST >> 20} MiB, so not compared")
                continue
            one = _array(place, path) if suffix == ".npy" else _table(place, path)
        except (OSError, ControlNotPossible, UnicodeDecodeError, csv.Error) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            notes.append(f"{path}: not compared ({str(why).removeprefix(f'{path}: ')})")
            continue
        found.append(one)
        if isinstance(one.rows, Sequence) and len(one.rows) == MOST_ROWS:
            notes.append(f"{path}: only its first {MOST_ROWS} rows were compared")
    return found, notes


def _array(place: Path, path: str) -> SplitRows:
    """A .npy array: one row per entry of its first axis."""
    kind, shape, rows = array_rows(place.read_bytes(), path)
    return SplitRows(path, math.prod(shape[1:]), kind, rows[:MOST_ROWS])


def _table(place: Path, path: str) -> SplitRows:
    """The records of a CSV or TSV file without its header, and without a column of row ids."""
    content = place.read_bytes().decode("utf-8-sig")
    separator = _SEPARATORS[PurePosixPath(path).suffix.lower()]
    first_line = content[:65536].partition("\n")[0]
    if separator not in first_line and ";" in first_line:
        separator = ";"
    records = (r for r in csv.reader(io.StringIO(content, newline=""), delimiter=separator) if r)
    first = next(records, [])
    headed = any(number(cell) is None for cell in first)
    skipped = {
        at for at, name in enumerate(first) if headed and name.strip().lower() in _NAMES_OF_INDEX
    }
    rows = list(_rows(records if headed else _again(first, records), skipped))
    return SplitRows(path, len(first) - len(skipped), "text", rows)


def _again(first: list[str], records: Iterator[list[str]]) -> Iterator[list[str]]:
    yield first
    yield from records


def _rows(records: Iterator[list[str]], skipped: set[int]) -> Iterator[bytes]:
    for count, record in enumerate(records):
        if count == MOST_ROWS:
            return
        cells = (c.strip() for at, c in enumerate(record) if at not in skipped)
        yield "\x1f".join(cells).encode("utf-8", "replace")
