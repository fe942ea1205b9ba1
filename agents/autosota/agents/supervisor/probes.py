"""Leakage probes: rows of one split of the data that also stand in another.

Exact duplicates only (rule LK of the leakage taxonomy of Kapoor and Narayanan, "Leakage and
the reproducibility crisis in machine-learning-based science", Patterns 4(9), 2023: no clean
separation of training and test set). Near duplicates, and leaks through features, are not
seen. Which files there are, and how they are read, is not known here.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import combinations

MOST_PAIRS = 100
"""Pairs of files that are compared; a folder of many shards has more than anyone reads."""


class Split(IntEnum):
    """Which part of the data a file holds, in the order a model gets to see them."""

    TRAINING = 0
    VALIDATION = 1
    TEST = 2


_WORDS = {
    "train": Split.TRAINING,
    "training": Split.TRAINING,
    "val": Split.VALIDATION,
    "valid": Split.VALIDATION,
    "validation": Split.VALIDATION,
    "dev": Split.VALIDATION,
    "test": Split.TEST,
    "testing": Split.TEST,
    "holdout": Split.TEST,
    "heldout": Split.TEST,
    "eval": Split.TEST,
}


@dataclass(frozen=True, slots=True)
class SplitRows:
    """The rows of one data file.

    `columns` is the number of values per row; `kind` tells apart what cannot be compared (the
    type of an array, a text). `rows` are read once; equal rows are equal bytes.
    """

    name: str
    columns: int
    kind: str
    rows: Iterable[bytes]


@dataclass(frozen=True, slots=True)
class _Hashed:
    name: str
    split: Split
    columns: int
    kind: str
    hashes: Sequence[bytes]


def split_of(path: str) -> Split | None:
    """The split that a path speaks of: by the file's name, else by its nearest folder.

    None when neither says, or a name says two (`train_test.csv`).
    """
    stem, _, _ = posixpath.basename(path).partition(".")
    for name in (stem, *reversed(posixpath.dirname(path).split("/"))):
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?=[A-Z][a-z])", "_", name).lower()
        found = {_WORDS[word] for word in re.split(r"[^a-z]+", spaced) if word in _WORDS}
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def duplicates(files: Iterable[SplitRows]) -> tuple[str, ...]:
    """What the probe found between files of different splits, in words; one line per pair.

    Only files with equally many columns of one kind are compared, and more than one column:
    equal labels make no equal examples.
    """
    known: list[_Hashed] = []
    for file in files:
        split = split_of(file.name)
        if split is not None and file.columns > 1:
            hashes = [hashlib.blake2b(row, digest_size=12).digest() for row in file.rows]
            known.append(_Hashed(file.name, split, file.columns, file.kind, hashes))
    pairs = [
        (early, late)
        for early, late in combinations(sorted(known, key=lambda f: (f.split, f.name)), 2)
        if early.split < late.split
        and (early.columns, early.kind) == (late.columns, late.kind)
        and early.hashes
        and late.hashes
    ]
    lines = [_compared(early, late) for early, late in pairs[:MOST_PAIRS]]
    if len(pairs) > MOST_PAIRS:
        lines.append(f"{len(pairs) - MOST_PAIRS} more pairs of files were not compared")
    return tuple(lines)


def _compared(early: _Hashed, late: _Hashed) -> str:
    seen = set(early.hashes)
    shared = sum(row in seen for row in late.hashes)
    total = len(late.hashes)
    if not shared:
        return f"{late.name}: none of {total} rows is also in {early.name}"
    line = (
        f"{late.name}: {shared} of {total} rows ({100 * shared / total:.1f} %) "
        f"are also in {early.name}"
    )
    repeated = len(early.hashes) - len(seen)
    if repeated:
        # few possible rows are often equal by chance: its own repetitions show how often
        line += f", which repeats {100 * repeated / len(early.hashes):.1f} % of its own rows"
    return line
