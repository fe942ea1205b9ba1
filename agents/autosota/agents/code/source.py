"""One Python source file, parsed by tree-sitter, and edits of it by byte range.

Keeps every byte that an edit does not name (line ends, tabs, a byte order mark). Knows
nothing of machine learning; see the ideator and the supervisor for meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import tree_sitter
import tree_sitter_python

from autosota.agents.domain import Place


@lru_cache(maxsize=1)
def language() -> tree_sitter.Language:
    """The Python grammar."""
    return tree_sitter.Language(tree_sitter_python.language())


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replace the bytes [start, end) of a file by `text`."""

    start: int
    end: int
    text: bytes


class SourceFile:
    """A parsed file: its path in the tree, its bytes and its syntax tree."""

    def __init__(self, path: str, content: bytes) -> None:
        self.path = path
        self.content = content
        self.root = tree_sitter.Parser(language()).parse(content).root_node

    @property
    def has_error(self) -> bool:
        """True when some of it did not parse: facts from it are unknown, not absent."""
        return self.root.has_error

    def text(self, node: tree_sitter.Node) -> str:
        """The source text of a node."""
        return self.content[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def place(self, node: tree_sitter.Node) -> Place:
        """Lines and columns from 1, columns in characters (tree-sitter counts bytes)."""
        return Place(
            self.path,
            node.start_point.row + 1,
            self._column(node.start_byte),
            node.end_point.row + 1,
            self._column(node.end_byte),
        )

    def _column(self, offset: int) -> int:
        start = self.content.rfind(b"\n", 0, offset) + 1
        return len(self.content[start:offset].decode("utf-8", "replace")) + 1

    def walk(self, node: tree_sitter.Node | None = None) -> Iterator[tree_sitter.Node]:
        """All nodes below one (default: the whole file), in source order, the node first."""
        stack = [node or self.root]
        while stack:
            current = stack.pop()
            yield current
            stack.extend(reversed(current.children))

    def symbol(self, node: tree_sitter.Node) -> str:
        """The qualified name of the function or class around a node; '' at module level."""
        names: list[str] = []
        current: tree_sitter.Node | None = node
        while current is not None:
            if current.type in ("function_definition", "class_definition"):
                name = current.child_by_field_name("name")
                if name is not None:
                    names.append(self.text(name))
            current = current.parent
        return ".".join(reversed(names))

    @property
    def newline(self) -> bytes:
        """The line end this file uses."""
        return b"\r\n" if b"\r\n" in self.content else b"\n"

    def indent_of(self, node: tree_sitter.Node) -> bytes:
        """The white space before the line that a node starts on."""
        start = self.content.rfind(b"\n", 0, node.start_byte) + 1
        line = self.content[start : node.start_byte]
        return line[: len(line) - len(line.lstrip(b" \t"))]

    def apply(self, edits: Iterable[Edit]) -> bytes:
        """The content after non-overlapping edits.

        Raises:
            ValueError: two edits overlap, or one lies outside the file.
        """
        out: list[bytes] = []
        at = 0
        for edit in sorted(edits):
            if edit.start < at or edit.end < edit.start or edit.end > len(self.content):
                raise ValueError(f"{self.path}: edits overlap or lie outside the file at {edit}")
            out += [self.content[at : edit.start], edit.text]
            at = edit.end
        out.append(self.content[at:])
        return b"".join(out)
