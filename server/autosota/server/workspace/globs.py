"""The globs of the objective (`protocol.data`, `protocol.labels`): which paths they name.

A pattern is relative to the workspace root and anchored there: `*.csv` is the csv files of
the root, `**/*.csv` those at any depth. `*`, `?` and `[...]` stay inside one name, `**` spans
folders, a backslash takes the next character literally, and a pattern that names a folder
names all that is below it. What git ignores plays no part, and neither does what the files
hold.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from autosota.server.errors import UserError
from autosota.server.workspace.root import STATE

_HIDDEN = frozenset({".git", STATE})
_MAGIC = re.compile(r"[*?\[\\]")


def match(path: str, patterns: Sequence[str]) -> bool:
    """True when a path (relative, forward slashes) is named by one of the patterns.

    Raises:
        UserError: a pattern is empty, absolute, negated, or leaves the root by `..`.
    """
    return bool(patterns) and _compiled(tuple(patterns)).fullmatch(path) is not None


def expand(root: Path, patterns: Sequence[str]) -> list[str]:
    """The files below a root that the patterns name, sorted, also those that git ignores.

    Symbolic links are listed like files and not followed, with one exception: a linked folder
    that a pattern spells out (`data/**` where `data` is a link), because the user named it.
    Never looks into `.git` and `.autosota`.

    Raises:
        UserError: a pattern is not allowed (see `match`), or a folder cannot be read.
    """
    found: set[str] = set()
    for pattern in patterns:
        segments = segments_of(pattern)
        fixed: list[str] = []
        while segments and not _MAGIC.search(segments[0]):
            fixed.append(segments.pop(0))
        if _HIDDEN.intersection(fixed):
            continue
        start = root.joinpath(*fixed)
        if start.is_dir():
            below = _files(start, "/".join(fixed))
            named = below if not segments else (p for p in below if match(p, (pattern,)))
            found.update(named)
        elif not segments and os.path.lexists(start):
            found.add("/".join(fixed))
    return sorted(found)


def segments_of(pattern: str) -> list[str]:
    """The names of a pattern between its slashes, checked.

    Raises:
        UserError: the pattern is empty, absolute, negated, or leaves the root by `..`.
    """
    if pattern.startswith(("/", "~")) or re.match(r"[A-Za-z]:[\\/]", pattern):
        raise UserError(f"the glob {pattern!r} is absolute; write it relative to the workspace")
    if pattern.startswith("!"):
        raise UserError(f"the glob {pattern!r} is negated; name the files that are meant instead")
    if "\0" in pattern:
        raise UserError(f"the glob {pattern!r} holds a null character; remove it")
    segments = [s for s in pattern.split("/") if s not in ("", ".")]
    if ".." in segments:
        raise UserError(f"the glob {pattern!r} leaves the workspace by '..'; move the files inside")
    if not segments:
        raise UserError(f"the glob {pattern!r} names nothing; write '**' for every file")
    return segments


@lru_cache(maxsize=64)
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(_expression(segments_of(p)) for p in patterns), re.DOTALL)


def _expression(segments: Sequence[str]) -> str:
    parts: list[str] = []
    for index, segment in enumerate(segments):
        last = index == len(segments) - 1
        if segment == "**":
            parts.append(".+" if last else "(?:[^/]+/)*")
        else:
            parts.append(_name(segment) + ("(?:/.*)?" if last else "/"))
    return "".join(parts)


def _name(segment: str) -> str:
    out: list[str] = []
    at = 0
    while at < len(segment):
        char = segment[at]
        at += 1
        if char == "*":
            if out[-1:] != ["[^/]*"]:  # several stars say no more than one, and match slowly
                out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "\\" and at < len(segment):
            out.append(re.escape(segment[at]))
            at += 1
        elif char == "[" and (end := _end_of_set(segment, at)) > 0:
            out.append(_set(segment[at:end]))
            at = end + 1
        else:
            out.append(re.escape(char))
    return "".join(out)


def _end_of_set(segment: str, at: int) -> int:
    """Where a `[...]` that starts before `at` ends; -1 when it does not (then `[` is itself)."""
    first = at + (segment[at : at + 1] in ("!", "^"))
    return segment.find("]", first + 1)


def _set(body: str) -> str:
    negated = body[0] in "!^"
    chars = body[1:] if negated else body
    out: list[str] = []
    at = 0
    while at < len(chars):
        if chars[at + 1 : at + 2] == "-" and at + 2 < len(chars):
            low, high = chars[at], chars[at + 2]
            if low <= high:
                out.append(f"{re.escape(low)}-{re.escape(high)}")
            at += 3
        else:
            out.append(re.escape(chars[at]))
            at += 1
    if not out:
        return "[^/]" if negated else "(?!)"
    return f"(?!/)[{'^' if negated else ''}{''.join(out)}]"


def _files(folder: Path, prefix: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda e: e.name)
    except OSError as error:
        raise UserError(
            f"cannot read the folder {folder}: {(error.strerror or str(error)).lower()}; "
            "make it readable, or name other files in the objective"
        ) from error
    for entry in listed:
        if entry.name in _HIDDEN:
            continue
        path = f"{prefix}/{entry.name}" if prefix else entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path), path)
        else:
            yield path
