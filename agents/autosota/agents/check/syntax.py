"""Parsing: the units of a document, kept over edits.

Only what an edit touched is parsed and lowered again; a unit whose text did not change keeps
its tree and only moves. What units mean is not known here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial

from tree_sitter import Language, Parser, Tree

from autosota.agents.check import ir
from autosota.agents.check.document import Document
from autosota.agents.check.lower import lowered
from autosota.agents.check.tokens import changed

_NOT_UNITS = frozenset({"comment", "line_continuation", ";"})


@lru_cache(maxsize=1)
def _parser() -> Parser:
    import tree_sitter_python

    return Parser(Language(tree_sitter_python.language()))


@dataclass(slots=True, eq=False)
class _Segment:
    """A stretch that is parsed by itself: a cell, or a whole script."""

    start: int
    text: bytes
    tree: Tree
    units: list[ir.Unit] = field(default_factory=list)

    def move(self, start: int) -> None:
        """It starts there now."""
        if start != self.start:
            for unit in self.units:
                unit.offset += start - self.start
            self.start = start


@dataclass(slots=True)
class Syntax:
    """The units of one document, and what is needed to update them."""

    units: list[ir.Unit] = field(default_factory=list)
    _segments: list[_Segment] = field(default_factory=list)

    def is_comment(self, offset: int) -> bool:
        """Whether a byte of the virtual text stands in a comment."""
        at = bisect_right(self._segments, offset, key=lambda s: s.start) - 1
        if at < 0:
            return False
        offset -= self._segments[at].start
        node = self._segments[at].tree.root_node.descendant_for_byte_range(offset, offset)
        return node is not None and node.type == "comment"

    def update(self, document: Document) -> list[ir.Unit]:
        """The units of the document as it is now; unchanged ones are the same objects."""
        before, places = self._segments, document.segments
        kept: dict[bytes, list[_Segment]] = defaultdict(list)
        for segment in reversed(before):
            kept[segment.text].append(segment)
        self._segments = []
        fresh: list[_Segment] = []
        for i, (start, end) in enumerate(places):
            text = document.text[start:end]
            if kept.get(text):
                segment = kept[text].pop()
                segment.move(start)
            else:
                old = before[i] if len(before) == len(places) else None
                segment = _Segment(start, text, _parse(text, old))
                fresh.append(segment)
            self._segments.append(segment)
        pool: dict[tuple[bytes, str], list[ir.Unit]] = defaultdict(list)
        for segment in (s for some in kept.values() for s in some):
            for unit in reversed(segment.units):
                pool[unit.text, unit.shape].append(unit)
        for segment in fresh:
            segment.units = list(_units(segment, pool))
        self.units = [unit for segment in self._segments for unit in segment.units]
        return self.units


def _units(segment: _Segment, pool: dict[tuple[bytes, str], list[ir.Unit]]) -> Iterator[ir.Unit]:
    for node in segment.tree.root_node.children:
        shape = node.type
        if shape in _NOT_UNITS:
            continue
        first, last = node.byte_range
        text = segment.text[first:last]
        broken = node.has_error
        if broken:
            shape = str(node)
        waiting = pool.get((text, shape))
        if waiting:
            unit = waiting.pop()
            unit.offset = segment.start + first
        else:
            unit = ir.Unit(segment.start + first, text, shape, broken, partial(lowered, node))
        yield unit


def _parse(text: bytes, old: _Segment | None) -> Tree:
    parser = _parser()
    if old is None:
        return parser.parse(text)
    before = old.text
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
