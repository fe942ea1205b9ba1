"""Which hunks of a Python file belong together: they would break, or be idle, apart.

Names are compared as text, by tree-sitter; that is enough to see that an import serves one
hunk only. Hunks that depend on each other in other ways stay apart, and the measurement
shows it: without one of them the run fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tree_sitter import Node

from autosota.agents.code.source import SourceFile
from autosota.agents.ideator.module import accepts

MAX_TRIED = 64
"""With more hunks in a file than that, it is not tried how each does without the others."""

_IMPORTS = ("import_statement", "import_from_statement", "future_import_statement")


@dataclass(frozen=True, slots=True, order=True)
class Hunk:
    """Lines [start, end) of the old file, counted from 0, become `new`.

    `new_start` is where that is in the new file; `only_imports` is true when nothing but
    imports changes.
    """

    start: int
    end: int
    new_start: int
    old: tuple[bytes, ...]
    new: tuple[bytes, ...]
    only_imports: bool = False

    @property
    def new_end(self) -> int:
        """The line after the hunk in the new file."""
        return self.new_start + len(self.new)


def glued(
    hunks: Sequence[Hunk], path: str, before: Sequence[bytes], after: bytes
) -> list[tuple[Hunk, ...]]:
    """The hunks in groups, each in order, by their first line.

    Added imports that stand side by side are hunks of their own first, so that each can go
    with what uses it.
    """
    old, new = _Names(path, b"".join(before)), _Names(path, after)
    split = [part for hunk in hunks for part in _split(hunk, old, new)]
    groups = _Groups(len(split))
    _join_statements(groups, split, before, after, new)
    uses = [new.used(h.new_start, h.new_end) for h in split]
    old_uses = [old.used(h.start, h.end) for h in split]
    for index, hunk in enumerate(split):
        fresh = new.defined(hunk.new_start, hunk.new_end) - old.every
        for name in sorted(fresh):
            users = {groups.of(i) for i, names in enumerate(uses) if i != index and name in names}
            if len(users) == 1:
                groups.join(index, users.pop())
    # Only now, as an import serves the whole group that its name is used in.
    for index, hunk in enumerate(split):
        if not hunk.only_imports:
            continue
        was, now = old.imported(hunk.start, hunk.end), new.imported(hunk.new_start, hunk.new_end)
        users = {
            groups.of(i)
            for i, other in enumerate(split)
            if not other.only_imports and (uses[i] & (now - was) or old_uses[i] & (was - now))
        }
        if len(users) == 1:
            groups.join(index, users.pop())
    for index, hunk in enumerate(split):
        if not b"".join(hunk.old + hunk.new).strip() and len(split) > 1:
            groups.join(index, index - 1 if index else 1)  # blank lines carry nothing
    return [tuple(split[i] for i in members) for members in groups.members()]


class _Names:
    """Where the names of a file are used, defined and imported, by line from 0."""

    def __init__(self, path: str, content: bytes) -> None:
        self.source = SourceFile(path, content)
        self._used: list[tuple[int, str]] = []
        self._defined: list[tuple[int, str]] = []
        self._imported: list[tuple[int, str]] = []
        self.imports: list[tuple[int, int]] = []
        for node in self.source.walk():
            if node.type in _IMPORTS and node.parent is not None and node.parent.type == "module":
                self.imports.append((node.start_point.row, node.end_point.row + 1))
            if node.type == "identifier":
                self._note(node)
        self.every = frozenset(name for _, name in (*self._used, *self._defined, *self._imported))

    def used(self, start: int, end: int) -> frozenset[str]:
        """Names read on these lines."""
        return frozenset(name for line, name in self._used if start <= line < end)

    def defined(self, start: int, end: int) -> frozenset[str]:
        """Names that these lines bind."""
        return frozenset(name for line, name in self._defined if start <= line < end)

    def imported(self, start: int, end: int) -> frozenset[str]:
        """Names that imports on these lines bring."""
        return frozenset(name for line, name in self._imported if start <= line < end)

    def _note(self, node: Node) -> None:
        name, line = self.source.text(node), node.start_point.row
        owner: Node | None = node
        while owner is not None:
            if owner.type in _IMPORTS:
                self._imported.append((line, name))
                return
            owner = owner.parent
        (self._defined if _is_bound(node) else self._used).append((line, name))


def _is_bound(node: Node) -> bool:
    """True for `name = …`, `self.name = …`, `def name`, `class name`."""
    parent = node.parent
    if parent is None:
        return False
    if parent.type in ("function_definition", "class_definition"):
        return parent.child_by_field_name("name") == node
    if parent.type == "attribute" and parent.child_by_field_name("attribute") == node:
        node, parent = parent, parent.parent
    return (
        parent is not None
        and parent.type == "assignment"
        and parent.child_by_field_name("left") == node
    )


def _split(hunk: Hunk, old: _Names, new: _Names) -> Iterator[Hunk]:
    """A hunk, told whether it is of imports only; added imports one by one."""
    touched = [(a, b) for a, b in new.imports if a < hunk.new_end and hunk.new_start < b]
    whole = all(hunk.new_start <= a and b <= hunk.new_end for a, b in touched)
    if not _only(hunk.old, hunk.start, old.imports) or not _only(
        hunk.new, hunk.new_start, new.imports
    ):
        yield hunk
        return
    cuts = [hunk.new_start, *(a for a, _ in touched[1:]), hunk.new_end]
    if hunk.old or not whole or len(set(cuts)) != len(cuts):
        yield Hunk(hunk.start, hunk.end, hunk.new_start, hunk.old, hunk.new, only_imports=True)
        return
    for a, b in pairwise(cuts):
        lines = hunk.new[a - hunk.new_start : b - hunk.new_start]
        yield Hunk(hunk.start, hunk.end, a, (), lines, only_imports=True)


def _only(lines: Sequence[bytes], start: int, imports: Sequence[tuple[int, int]]) -> bool:
    """True when each line is blank or of an import."""
    covered = {n for a, b in imports for n in range(a, b)}
    return all(n in covered or not line.strip() for n, line in enumerate(lines, start=start))


def _join_statements(
    groups: _Groups, hunks: Sequence[Hunk], before: Sequence[bytes], after: bytes, new: _Names
) -> None:
    """Glue the hunks of one statement when one of them alone would not parse."""
    if len(hunks) > MAX_TRIED or not accepts(after) or not accepts(b"".join(before)):
        return
    for index, hunk in enumerate(hunks):
        if hunk.only_imports or accepts(_without(hunks, index, before)):
            continue
        for other in _same_statement(hunks, index, new):
            groups.join(index, other)


def _without(hunks: Sequence[Hunk], index: int, before: Sequence[bytes]) -> bytes:
    out: list[bytes] = []
    at = 0
    for number, hunk in enumerate(hunks):
        if number != index:
            out += [*before[at : hunk.start], *hunk.new]
            at = hunk.end
    return b"".join([*out, *before[at:]])


def _same_statement(hunks: Sequence[Hunk], index: int, new: _Names) -> Iterator[int]:
    """The other hunks of the innermost statement around a hunk that holds another one."""
    hunk = hunks[index]
    best: list[int] = []
    size = None
    for node in new.source.walk():
        first, last = node.start_point.row, node.end_point.row + 1
        if node.type == "module" or not node.is_named:
            continue
        if not (first <= hunk.new_start and max(hunk.new_end, hunk.new_start + 1) <= last):
            continue
        others = [
            i
            for i, h in enumerate(hunks)
            if i != index and first <= h.new_start and h.new_start < last
        ]
        if others and (size is None or last - first <= size):
            best, size = others, last - first
    yield from best


class _Groups:
    """Disjoint sets of hunks."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def of(self, index: int) -> int:
        """The group's first member."""
        while self._parent[index] != index:
            index = self._parent[index]
        return index

    def join(self, one: int, other: int) -> None:
        """Make two groups one."""
        first, second = sorted((self.of(one), self.of(other)))
        self._parent[second] = first

    def members(self) -> list[list[int]]:
        """The groups, by their first member."""
        found: dict[int, list[int]] = {}
        for index in range(len(self._parent)):
            found.setdefault(self.of(index), []).append(index)
        return list(found.values())
