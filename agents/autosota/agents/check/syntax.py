"""Parsing: the units of a document, kept over edits.

Only what an edit touched is parsed and lowered again; a unit whose text did not change keeps
its tree and only moves. Text that does not parse is parsed chunk by chunk, so a bracket that is
open while somebody types hides the statement it stands in and no more. What units mean is not
known here.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import pairwise

from tree_sitter import Language, Parser, Tree

from autosota.agents.check import ir
from autosota.agents.check.chunks import cuts, starts_as_before
from autosota.agents.check.document import Document
from autosota.agents.check.lower import lowered
from autosota.agents.check.tokens import changed

_NOT_UNITS = frozenset({"comment", "line_continuation", ";"})
_BLOCKS = frozenset(
    f"{kind}_{end}"
    for end, kinds in (
        ("statement", ("if", "for", "while", "try", "with", "match")),
        ("definition", ("function", "class", "decorated")),
    )
    for kind in kinds
)
_LINE = re.compile(rb"\n(?=[^\s#)\]}\\])")
_FEW = 8
"""So many chunks are parsed one by one; more of them first together, as most text is whole."""
_LONG = 4000
"""Bytes from which on a chunk is parsed with the help of its tree before the edit."""


@lru_cache(maxsize=1)
def _parser() -> Parser:
    import tree_sitter_python

    return Parser(Language(tree_sitter_python.language()))


_Pool = dict[tuple[bytes, str, bytes], list[ir.Unit]]


@dataclass(slots=True, eq=False)
class _Stretch:
    """What is parsed by itself: a cell, or a whole script.

    Attributes:
        start: The byte of the virtual text at which it starts.
        text: Its bytes.
        units: Its units, in order.
        tree: The tree of all of it, while that is what the units are from.
        last: The long chunk that was parsed last, and its tree.
    """

    start: int
    text: bytes
    units: list[ir.Unit] = field(default_factory=list)
    tree: Tree | None = None
    last: tuple[bytes, Tree] | None = None
    _cuts: list[int] | None = None

    @property
    def cuts(self) -> list[int]:
        """Where its chunks start, counted from its start."""
        if self._cuts is None:
            self._cuts = [0, *cuts(self.text, 0)]
        return self._cuts

    def read(self, pool: _Pool) -> None:
        """Find the units: those of the pool where they are the same."""
        tree = _parser().parse(self.text)
        units = _whole(tree, self.text, self.start)
        if units is None:
            self.units = self._chunks([*self.cuts, len(self.text)], pool)
        else:
            self.tree = tree
            self.units = [_known(unit, pool) for unit in units]

    def edit(self, text: bytes) -> None:
        """It has this text now: a chunk that the edit did not touch keeps its units."""
        before, old = self.text, self.cuts
        start, end_before, end = changed(before, text)
        moved = len(text) - len(before)
        first = bisect_right(old, start) - 1
        while first > 0 and not starts_as_before(before, old[first], start):
            first -= 1
        new, stop = [old[first]], len(old)
        for cut in cuts(text, old[first]):
            if cut >= end and cut - moved >= end_before:
                same = bisect_left(old, cut - moved, first)
                if same < len(old) and old[same] == cut - moved:
                    stop = same
                    break
            new.append(cut)
        gone = [*old[first:stop], old[stop] if stop < len(old) else len(before)]
        come = [*new, gone[-1] + moved]
        while len(gone) > 2 and len(come) > 2 and gone[1] == come[1] and come[1] <= start:
            del gone[0], come[0]
        low, high = self._between(gone[0], gone[-1])
        pool, after = _pool(self.units[low:high]), self.units[high:]
        self.text, self.tree = text, None
        self._cuts = [*old[:first], *new, *(cut + moved for cut in old[stop:])]
        fresh = self._chunks(come, pool)
        _move(after, moved)
        self.units = [*self.units[:low], *fresh, *after]

    def is_comment(self, at: int) -> bool:
        """Whether a `#` starts a comment; `at` counts from the start."""
        if self.tree is not None:
            return _is_comment(self.tree, at)
        ends = [*self.cuts, len(self.text)]
        n = bisect_right(ends, at) - 1
        chunk = self.text[ends[n] : ends[n + 1]]
        return _is_comment(self._parse(chunk), at - ends[n])

    def _between(self, start: int, end: int) -> tuple[int, int]:
        """The units in these bytes, as a slice."""
        low = bisect_left(self.units, self.start + start, key=_offset)
        return low, bisect_left(self.units, self.start + end, low, key=_offset)

    def _chunks(self, ends: list[int], pool: _Pool) -> list[ir.Unit]:
        """The units of the chunks between these bytes."""
        if len(ends) > _FEW + 1:
            text = self.text[ends[0] : ends[-1]]
            whole = _whole(_parser().parse(text), text, self.start + ends[0])
            if whole is not None:
                return [_known(unit, pool) for unit in whole]
        units: list[ir.Unit] = []
        for start, end in pairwise(ends):
            chunk = self.text[start:end]
            found = _read(self._parse(chunk), chunk, self.start + start)
            units += [_known(unit, pool) for unit in found]
        return units

    def _parse(self, chunk: bytes) -> Tree:
        """The tree of a chunk, with the help of the last one where both are whole.

        One with errors is parsed as if it were new: a tree that was edited may recover from them
        differently, and takes as long.
        """
        if len(chunk) < _LONG:
            return _parser().parse(chunk)
        if self.last is not None:
            before, tree = self.last
            if before == chunk:
                return tree
            if not tree.root_node.has_error:
                again = _parsed_again(before, tree, chunk)
                if again is not None and not again.root_node.has_error:
                    self.last = chunk, again
                    return again
        tree = _parser().parse(chunk)
        self.last = chunk, tree
        return tree


@dataclass(slots=True)
class Syntax:
    """The units of one document, and what is needed to update them."""

    units: list[ir.Unit] = field(default_factory=list)
    _stretches: list[_Stretch] = field(default_factory=list)

    def is_comment(self, offset: int) -> bool:
        """Whether a `#` of the virtual text starts a comment."""
        stretch = self._stretches[bisect_right(self._stretches, offset, key=_start) - 1]
        return stretch.is_comment(offset - stretch.start)

    def update(self, document: Document) -> list[ir.Unit]:
        """The units of the document as it is now; unchanged ones are the same objects."""
        before, places = self._stretches, document.segments
        kept: dict[bytes, list[_Stretch]] = defaultdict(list)
        for stretch in reversed(before):
            kept[stretch.text].append(stretch)
        texts = [document.text[start:end] for start, end in places]
        found = [kept[text].pop() if kept.get(text) else None for text in texts]
        left = {id(stretch): stretch for some in kept.values() for stretch in some}
        for i, text in enumerate(texts):
            if found[i] is None and len(before) == len(texts) and id(before[i]) in left:
                found[i] = left.pop(id(before[i]))
                before[i].edit(text)
        pool = _pool(unit for stretch in left.values() for unit in stretch.units)
        self._stretches = []
        for (start, _), text, known in zip(places, texts, found, strict=True):
            if known is None:
                known = _Stretch(start, text)
                known.read(pool)
            _move(known.units, start - known.start)
            known.start = start
            self._stretches.append(known)
        if len(self._stretches) == 1:
            self.units = self._stretches[0].units
        else:
            self.units = [unit for stretch in self._stretches for unit in stretch.units]
        return self.units


def _start(stretch: _Stretch) -> int:
    return stretch.start


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
        pool[unit.text, unit.shape, unit.within].append(unit)
    return pool


def _read(tree: Tree, source: bytes, start: int) -> Iterator[ir.Unit]:
    """The units of what was parsed."""
    for number, node in enumerate(tree.root_node.children):
        shape = node.type
        if shape not in _NOT_UNITS:
            first, last = node.byte_range
            lower = partial(lowered, node)
            if node.has_error:
                shape = f"{shape} {number}"
                yield ir.Unit(start + first, source[first:last], shape, True, source, lower)
            else:
                yield ir.Unit(start + first, source[first:last], shape, False, b"", lower)


def _whole(tree: Tree, source: bytes, start: int) -> list[ir.Unit] | None:
    """The units of what was parsed; None where it is not whole.

    The grammar reads `x =` and the statement in the next line as one; ours ends with the line.
    """
    if tree.root_node.has_error:
        return None
    units = list(_read(tree, source, start))
    lines = {match.end() + start for match in _LINE.finditer(source)}
    lines.difference_update([unit.offset for unit in units])
    held = {bisect_right(units, line, key=_offset) - 1 for line in lines}
    for at, unit in enumerate(units):
        torn = at in held or (unit.shape not in _BLOCKS and b"\n" in unit.text)
        if torn and next(cuts(unit.text, 0), None) is not None:
            return None
    return units


def _known(unit: ir.Unit, pool: _Pool) -> ir.Unit:
    """The unit of the pool that this one is, else itself."""
    waiting = pool.get((unit.text, unit.shape, unit.within))
    if not waiting:
        return unit
    waiting[-1].offset = unit.offset
    return waiting.pop()


def _is_comment(tree: Tree, at: int) -> bool:
    node = tree.root_node.descendant_for_byte_range(at, at)
    return node is not None and node.type == "comment"


def _parsed_again(before: bytes, tree: Tree, text: bytes) -> Tree | None:
    """The tree of a text, with what the edit left of another one's; None if that is little."""
    start, end_before, end = changed(before, text)
    if end - start > len(text) // 2:
        return None
    edited = tree.copy()
    edited.edit(
        start_byte=start,
        old_end_byte=end_before,
        new_end_byte=end,
        start_point=_point(before, start),
        old_end_point=_point(before, end_before),
        new_end_point=_point(text, end),
    )
    return _parser().parse(text, edited)


def _point(text: bytes, offset: int) -> tuple[int, int]:
    row = text.count(b"\n", 0, offset)
    return row, offset - (text.rfind(b"\n", 0, offset) + 1)
