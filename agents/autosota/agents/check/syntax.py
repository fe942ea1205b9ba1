"""Parsing: the units of a document, kept over edits.

Only what an edit touched is parsed and lowered again; a unit whose text did not change keeps
its tree and only moves. What units mean is not known here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial

from tree_sitter import Language, Parser, Tree

from autosota.agents.check import ir
from autosota.agents.check.document import Document
from autosota.agents.check.lower import lowered
from autosota.agents.check.tokens import changed

_LINE_FEED = 10
_NOT_UNITS = frozenset({"comment", "line_continuation", ";"})


@lru_cache(maxsize=1)
def _parser() -> Parser:
    import tree_sitter_python

    return Parser(Language(tree_sitter_python.language()))


_Pool = dict[tuple[bytes, str], list[ir.Unit]]


@dataclass(slots=True, eq=False)
class _Segment:
    """A stretch that is parsed by itself: a cell, or a whole script.

    Attributes:
        start: The byte of the virtual text at which it starts.
        text: Its bytes.
        parsed: Its bytes when it was last parsed as a whole.
        tree: Their tree.
        units: Its units.
    """

    start: int
    text: bytes
    parsed: bytes
    tree: Tree
    units: list[ir.Unit] = field(default_factory=list)


@dataclass(slots=True)
class Syntax:
    """The units of one document, and what is needed to update them."""

    units: list[ir.Unit] = field(default_factory=list)
    _segments: list[_Segment] = field(default_factory=list)

    def is_comment(self, offset: int) -> bool:
        """Whether a `#` of the virtual text starts a comment."""
        segment = self._segments[bisect_right(self._segments, offset, key=_start) - 1]
        within, root = offset - segment.start, segment.tree.root_node
        if segment.parsed != segment.text:
            at = bisect_right(self.units, offset, key=_offset) - 1
            if at < 0 or offset >= self.units[at].offset + len(self.units[at].text):
                return True  # between statements there is nothing else
            within = offset - self.units[at].offset
            root = _parser().parse(self.units[at].text).root_node
        node = root.descendant_for_byte_range(within, within)
        return node is not None and node.type == "comment"

    def update(self, document: Document) -> list[ir.Unit]:
        """The units of the document as it is now; unchanged ones are the same objects."""
        before, places = self._segments, document.segments
        if len(before) == 1 and len(places) == 1 and _patch(before[0], document.text):
            self.units = before[0].units
            return self.units
        kept: dict[bytes, list[_Segment]] = defaultdict(list)
        for segment in reversed(before):
            kept[segment.text].append(segment)
        self._segments = []
        fresh: list[_Segment] = []
        for i, (start, end) in enumerate(places):
            text = document.text[start:end]
            if kept.get(text):
                segment = kept[text].pop()
                _move(segment.units, start - segment.start)
                segment.start = start
            else:
                old = before[i] if len(before) == len(places) else None
                segment = _Segment(start, text, text, _parse(text, old))
                fresh.append(segment)
            self._segments.append(segment)
        pool = _pool(u for some in kept.values() for segment in some for u in segment.units)
        for segment in fresh:
            units = _read(segment.tree, segment.text, segment.start)
            segment.units = [_known(unit, pool) for unit in units]
        self.units = [unit for segment in self._segments for unit in segment.units]
        return self.units


def _start(segment: _Segment) -> int:
    return segment.start


def _offset(unit: ir.Unit) -> int:
    return unit.offset


def _move(units: Sequence[ir.Unit], by: int) -> None:
    if by:
        for unit in units:
            unit.offset += by


def _pool(units: Iterable[ir.Unit]) -> _Pool:
    """Units by what they are known by, the first of equal ones last."""
    pool: _Pool = defaultdict(list)
    for unit in reversed(list(units)):
        pool[unit.text, unit.shape].append(unit)
    return pool


def _read(tree: Tree, source: bytes, start: int) -> Iterator[ir.Unit]:
    """The units of what was parsed."""
    for node in tree.root_node.children:
        shape = node.type
        if shape not in _NOT_UNITS:
            first, last = node.byte_range
            broken = node.has_error
            shape = str(node) if broken else shape
            lower = partial(lowered, node)
            yield ir.Unit(start + first, source[first:last], shape, broken, lower)


def _known(unit: ir.Unit, pool: _Pool) -> ir.Unit:
    """The unit of the pool that this one is, else itself."""
    waiting = pool.get((unit.text, unit.shape))
    if not waiting:
        return unit
    waiting[-1].offset = unit.offset
    return waiting.pop()


def _patch(segment: _Segment, text: bytes) -> bool:
    """Bring a script up to date by parsing only what stands around an edit, if that tells.

    It does where all is unbroken, before and after, and the statement that follows, at the start
    of a line, is read as it was: whatever stands before it has ended there.
    """
    before, units = segment.text, segment.units
    if segment.tree.root_node.has_error:
        return False
    start, end, _ = changed(before, text)
    moved = len(text) - len(before)
    first = _on_own_line(segment, bisect_right(units, start, key=_offset) - 2, -1)
    after = _on_own_line(segment, bisect_right(units, end, key=_offset), 1)
    stop = _on_own_line(segment, after + 1, 1)
    begin = units[first].offset if first else 0
    until = units[stop].offset + moved if stop < len(units) else len(text)
    tree = _parser().parse(text[begin:until])
    read = list(_read(tree, text[begin:until], begin))
    follows = read[len(read) - (stop - after) :]
    if tree.root_node.has_error or [(u.offset - moved, u.text, u.shape) for u in follows] != [
        (u.offset, u.text, u.shape) for u in units[after:stop]
    ]:
        return False
    pool = _pool(units[first:after])
    fresh = [_known(unit, pool) for unit in read[: len(read) - len(follows)]]
    _move(units[after:], moved)
    segment.units = [*units[:first], *fresh, *units[after:]]
    segment.text = text
    return True


def _on_own_line(segment: _Segment, at: int, step: int) -> int:
    """The nearest unit from here on, in this direction, that starts a line, or the end."""
    at = min(max(at, 0), len(segment.units))
    while 0 < at < len(segment.units) and segment.text[segment.units[at].offset - 1] != _LINE_FEED:
        at += step
    return at


def _parse(text: bytes, old: _Segment | None) -> Tree:
    parser = _parser()
    if old is None:
        return parser.parse(text)
    before = old.parsed
    start, end_old, end_new = changed(before, text)
    edited = old.tree.copy()
    edited.edit(
        start_byte=start,
        old_end_byte=end_old,
        new_end_byte=end_new,
        start_point=_point(before, start),
        old_end_point=_point(before, end_old),
        new_end_point=_point(text, end_new),
    )
    return parser.parse(text, edited)


def _point(text: bytes, offset: int) -> tuple[int, int]:
    row = text.count(b"\n", 0, offset)
    return row, offset - (text.rfind(b"\n", 0, offset) + 1)
