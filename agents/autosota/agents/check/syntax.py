"""Parsing: the units of a document, kept over edits.

Only what an edit touched is parsed and lowered again; a unit whose text did not change keeps
its tree and only moves. What units mean is not known here.
"""

from __future__ import annotations

from collections import defaultdict
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


@dataclass(slots=True)
class Syntax:
    """The units of one document, and what is needed to update them."""

    units: list[ir.Unit] = field(default_factory=list)
    _trees: list[tuple[bytes, Tree]] = field(default_factory=list)

    def is_comment(self, offset: int) -> bool:
        """Whether a byte of the virtual text stands in a comment."""
        start = 0
        for text, tree in self._trees:
            if offset < start + len(text):
                node = tree.root_node.descendant_for_byte_range(offset - start, offset - start)
                return node is not None and node.type == "comment"
            start += len(text)
        return False

    def update(self, document: Document) -> list[ir.Unit]:
        """The units of the document as it is now; unchanged ones are the same objects."""
        known = {text: tree for text, tree in self._trees}
        trees: list[tuple[bytes, Tree]] = []
        segments = document.segments
        fresh: list[tuple[int, bytes, Tree]] = []
        for i, (start, end) in enumerate(segments):
            text = document.text[start:end]
            tree = known.get(text)
            if tree is None:
                old = self._trees[i] if len(self._trees) == len(segments) else None
                tree = _parse(text, old)
            trees.append((text, tree))
            fresh.append((start, text, tree))
        self._trees = trees
        pool: dict[bytes, list[ir.Unit]] = defaultdict(list)
        for unit in reversed(self.units):
            pool[unit.text].append(unit)
        units: list[ir.Unit] = []
        for start, text, tree in fresh:
            for node in tree.root_node.children:
                if node.type in _NOT_UNITS:
                    continue
                first, last = node.start_byte, node.end_byte
                piece = text[first:last]
                waiting = pool.get(piece)
                if waiting:
                    unit = waiting.pop()
                    unit.offset = start + first
                else:
                    lower = partial(lowered, node)
                    unit = ir.Unit(start + first, piece, node.has_error, lower)
                units.append(unit)
        self.units = units
        return units


def _parse(text: bytes, old: tuple[bytes, Tree] | None) -> Tree:
    parser = _parser()
    if old is None:
        return parser.parse(text)
    before, tree = old
    start, end_old, end_new = changed(before, text)
    edited = tree.copy()
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
