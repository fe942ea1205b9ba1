"""A change taken apart into pieces that can be left out one by one, and put together again.

A piece is a hunk, separated from the next by an unchanged line, or several hunks that make no
sense apart: an import and the only hunk that uses it, a name and the only hunk that reads it,
or the two ends of one statement. Lines are bytes, so every file comes out as it was. Which
pieces are worth keeping is measured elsewhere.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from autosota.agents.ideator.gluing import Hunk, glued
from autosota.agents.protocols import Tree
from autosota.agents.scheduler.events import Piece

MAX_LINES = 20_000
"""Longer files are data or generated; their change is one piece."""

TITLE = 80
"""Characters of a title."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece with what it changes; no hunks: the whole file comes or goes, or is not text."""

    piece: Piece
    hunks: tuple[Hunk, ...]


def take_apart(base: Tree, whole: Tree) -> tuple[Piece, ...]:
    """The pieces of the change between two trees, by path and line; ids are deterministic."""
    return tuple(p.piece for path in _changed(base, whole) for p in _parts(base, whole, path))


def reduce(base: Tree, whole: Tree, drop: Collection[str]) -> dict[str, bytes | None]:
    """The changes to the base that give the whole without these pieces (None deletes a file).

    Raises:
        ValueError: `drop` names something that is not a piece of this change.
    """
    changes: dict[str, bytes | None] = {}
    unknown = set(drop)
    for path in _changed(base, whole):
        parts = _parts(base, whole, path)
        unknown -= {part.piece.id for part in parts}
        kept = [part for part in parts if part.piece.id not in drop]
        if not kept:
            continue
        new = _read(whole, path)
        if kept[0].hunks:
            old = _lines(_read(base, path) or b"")
            new = _applied(old, sorted(h for part in kept for h in part.hunks))
        changes[path] = new
    if unknown:
        raise ValueError(f"not a piece of this change: {', '.join(sorted(unknown))}")
    return changes


def _changed(base: Tree, whole: Tree) -> list[str]:
    paths = sorted({*base.files(), *whole.files()})
    return [path for path in paths if _read(base, path) != _read(whole, path)]


def _read(tree: Tree, path: str) -> bytes | None:
    try:
        return tree.read(path)
    except FileNotFoundError:
        return None


def _parts(base: Tree, whole: Tree, path: str) -> list[_Part]:
    old, new = _read(base, path), _read(whole, path)
    if old is None or new is None:
        verb = "add" if old is None else "remove"
        return [_whole_file(path, f"{verb} {path}", old, new)]
    before, after = _lines(old), _lines(new)
    if not (_is_text(old) and _is_text(new)) or max(len(before), len(after)) > MAX_LINES:
        return [_whole_file(path, f"replace {path}", old, new)]
    hunks = list(_hunks(before, after))
    if path.endswith(".py"):
        groups = glued(hunks, path, before, new)
    else:
        groups = [(hunk,) for hunk in hunks]
    return [_part(path, group) for group in groups]


def _hunks(before: Sequence[bytes], after: Sequence[bytes]) -> Iterator[Hunk]:
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            yield Hunk(i1, i2, j1, tuple(before[i1:i2]), tuple(after[j1:j2]))


def _applied(before: Sequence[bytes], hunks: Sequence[Hunk]) -> bytes:
    out: list[bytes] = []
    at = 0
    for hunk in hunks:
        out += [*before[at : hunk.start], *hunk.new]
        at = hunk.end
    return b"".join([*out, *before[at:]])


def _lines(content: bytes) -> list[bytes]:
    """Lines with their ends, as tree-sitter counts them: a lone carriage return ends none."""
    *lines, last = content.split(b"\n")
    return [line + b"\n" for line in lines] + ([last] if last else [])


def _is_text(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in content


def _part(path: str, hunks: tuple[Hunk, ...]) -> _Part:
    first = next((h for h in hunks if not h.only_imports), hunks[0])
    line = first.start + 1
    text = _headline(first.new) or f"without {_headline(first.old)}"
    title = f"{path}:{line}: {text}"
    digest = _digest(path, *(repr(h) for h in hunks))
    return _Part(Piece(f"{_stem(path)}-{line}-{digest}", path, line, _cut(title)), hunks)


def _whole_file(path: str, title: str, old: bytes | None, new: bytes | None) -> _Part:
    digest = _digest(path, repr(old), repr(new))
    return _Part(Piece(f"{_stem(path)}-{digest}", path, 1, _cut(title)), ())


def _headline(lines: Sequence[bytes]) -> str:
    """The first line that says something."""
    texts = [line.decode("utf-8", "replace").strip() for line in lines]
    return next((t for t in texts if any(c.isalnum() for c in t)), next(filter(None, texts), ""))


def _cut(title: str) -> str:
    return title if len(title) <= TITLE else title[: TITLE - 1] + "…"


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".py")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]
