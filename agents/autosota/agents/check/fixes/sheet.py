"""A document as fixes read it: statements with what is around them, and edits of their bytes.

A script and a notebook look alike: one text, whose cells follow one another. What a fix is for
is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from autosota.agents.check import ir
from autosota.agents.check.document import Document
from autosota.agents.check.index import bound_names
from autosota.agents.check.syntax import Syntax
from autosota.agents.code.source import Edit, SourceFile
from autosota.agents.domain import Place


@dataclass(frozen=True, slots=True)
class Spot:
    """A statement in its block. `scope` is the function around it, `loops` are those inside it."""

    block: Sequence[ir.Stmt]
    at: int
    scope: ir.Function | None
    loops: tuple[ir.Stmt, ...] = ()

    @property
    def stmt(self) -> ir.Stmt:
        """The statement."""
        return self.block[self.at]

    @property
    def before(self) -> Sequence[ir.Stmt]:
        """The statements of its block before it."""
        return self.block[: self.at]

    @property
    def after(self) -> Sequence[ir.Stmt]:
        """The statements of its block after it."""
        return self.block[self.at + 1 :]


class Sheet:
    """The statements of a document, with edits of its text."""

    def __init__(self, document: Document, units: Sequence[ir.Unit]) -> None:
        self.document = document
        self.content = document.text
        self.units = units

    @classmethod
    def of(cls, path: str, content: bytes) -> Sheet:
        """The sheet of a file.

        Raises:
            Unreadable: it is no script or notebook (see `Document.read`).
        """
        document = Document.read(path, content)
        return cls(document, Syntax().update(document))

    # ------------------------------------------------------------------ places

    def start(self, node: ir.Node) -> int:
        """The first byte of a node."""
        return node.unit.offset + node.start

    def end(self, node: ir.Node) -> int:
        """The byte after a node."""
        return node.unit.offset + node.end

    def text(self, node: ir.Node) -> str:
        """The text of a node."""
        return self.content[self.start(node) : self.end(node)].decode("utf-8", "replace")

    def span(self, place: Place) -> tuple[int, int]:
        """The bytes of a place of this document."""
        return self.document.span(place)

    @property
    def body(self) -> tuple[ir.Stmt, ...]:
        """The top-level statements."""
        return tuple(s for unit in self.units for s in unit.body)

    def spot(self, start: int, end: int) -> Spot | None:
        """The innermost statement that holds these bytes; None in code that does not parse."""
        spot: Spot | None = None
        block: Sequence[ir.Stmt] = self.body
        scope: ir.Function | None = None
        loops: tuple[ir.Stmt, ...] = ()
        while True:
            at = self._holding(block, start, end)
            if at is None:
                return spot
            stmt = block[at]
            if isinstance(stmt, ir.Broken) or stmt.unit.broken:
                return None
            spot = Spot(block, at, scope, loops)
            if isinstance(stmt, ir.Function):
                scope, loops = stmt, ()
            elif isinstance(stmt, ir.For | ir.While):
                loops = (*loops, stmt)
            inner = [b for b in ir.blocks(stmt) if self._holding(b, start, end) is not None]
            if not inner:
                return spot
            block = inner[0]

    def _holding(self, block: Sequence[ir.Stmt], start: int, end: int) -> int | None:
        found = (i for i, s in enumerate(block) if self.start(s) <= start and end <= self.end(s))
        return next(found, None)

    def expression(self, root: ir.Node, start: int, end: int) -> ir.Expr | None:
        """The expression below a node that has exactly these bytes."""
        for expr in ir.expressions(root):
            if (self.start(expr), self.end(expr)) == (start, end):
                return expr
        return None

    # ------------------------------------------------------------------ names

    def reads(self, stmts: Iterable[ir.Stmt], name: str) -> bool:
        """Whether a name is read in these statements or below them (or in code not understood)."""
        for stmt in ir.statements(tuple(stmts)):
            if isinstance(stmt, ir.Broken):
                return True
            targets = {t for t in getattr(stmt, "targets", ()) if not getattr(stmt, "op", "")} | (
                {stmt.target} if isinstance(stmt, ir.For) else set()
            )
            targets |= {e for t in targets if isinstance(t, ir.Sequence) for e in t.elts}
            for expr in ir.expressions(stmt):
                if isinstance(expr, ir.Name) and expr.id == name and expr not in targets:
                    return True
                if isinstance(expr, ir.Unknown) and _word(name).search(self.text(expr)):
                    return True
        return False

    def binds(self, stmts: Iterable[ir.Stmt], name: str) -> bool:
        """Whether a name, or an item or attribute of it, is set in these statements or below."""
        for stmt in ir.statements(tuple(stmts)):
            for target in _targets(stmt):
                if name in bound_names(target) or _root(target) == name:
                    return True
        return False

    def used_by_functions(self, name: str) -> bool:
        """Whether a function reads a name of the module."""
        for stmt in ir.statements(self.body):
            if isinstance(stmt, ir.Function) and self.reads(stmt.body, name):
                own = {p.name for p in stmt.params}
                if name not in own and not self.binds(stmt.body, name):
                    return True
        return False

    def fresh(self, name: str) -> str:
        """This name, or one like it that occurs nowhere in the text."""
        number, candidate = 1, name
        while _word(candidate).search(self.content.decode("utf-8", "replace")):
            number += 1
            candidate = f"{name}_{number}"
        return candidate

    # ------------------------------------------------------------------ edits

    @property
    def newline(self) -> bytes:
        """The line end this document uses."""
        return b"\r\n" if b"\r\n" in self.content else b"\n"

    def alone(self, stmt: ir.Stmt) -> bool:
        """Whether nothing but a comment shares a statement's lines."""
        first, last = self._lines(stmt)
        lead = self.content[first : self.start(stmt)].strip()
        tail = self.content[self.end(stmt) : last].strip()
        return not lead and (not tail or tail.startswith(b"#"))

    def delete(self, stmt: ir.Stmt) -> Edit:
        """Take a statement away with its line and the comment on it."""
        first, last = self._lines(stmt)
        if self.content[last : last + 2] == b"\r\n":
            last += 2
        elif last < len(self.content):
            last += 1
        return Edit(first, last, b"")

    def comment(self, stmt: ir.Stmt) -> str:
        """The comment behind a statement on its last line, with the blanks before it."""
        return self.content[self.end(stmt) : self._lines(stmt)[1]].decode("utf-8", "replace")

    def after(self, stmt: ir.Stmt, lines: Sequence[str]) -> Edit:
        """Add lines of code after a statement, at its indentation."""
        at = self._lines(stmt)[1]
        text = b"".join(self.newline + self.indent(stmt) + line.encode() for line in lines)
        return Edit(at, at, text)

    def before(self, stmt: ir.Stmt, lines: Sequence[str]) -> Edit:
        """Add lines of code before a statement, at its indentation."""
        at, indent = self.start(stmt), self.indent(stmt)
        return Edit(at, at, b"".join(line.encode() + self.newline + indent for line in lines))

    def replace(self, node: ir.Node, text: str) -> Edit:
        """Replace a node by text."""
        return Edit(self.start(node), self.end(node), text.encode())

    def argument(self, call: ir.Call, text: str) -> Edit:
        """Add an argument at the end of a call, on a line of its own if the last one has one."""
        given = [*call.args, *(value for _, value in call.keywords)]
        close = self.end(call) - 1
        if not given:
            return Edit(close, close, text.encode())
        last = max(given, key=lambda e: e.end)
        at = self.end(last)
        for offset in range(at, close):  # brackets around the value are no part of it
            sign = self.content[offset : offset + 1]
            if sign == b")":
                at = offset + 1
            elif not sign.isspace():
                break
        line = self.content.rfind(b"\n", 0, self.start(last)) + 1
        lead = self.content[line : self.start(last)]
        own = re.fullmatch(rb"[ \t]*(?:\w+[ \t]*=[ \t]*)?[(]*", lead)
        gap = b"," + (self.newline + lead[: len(lead) - len(lead.lstrip())] if own else b" ")
        return Edit(at, at, gap + text.encode())

    def indent(self, stmt: ir.Stmt) -> bytes:
        """The white space before a statement."""
        first, _ = self._lines(stmt)
        line = self.content[first : self.start(stmt)]
        return line[: len(line) - len(line.lstrip(b" \t"))]

    def imported(self, module: str, name: str) -> list[Edit]:
        """The edits that make `from module import name` true; none when it is already."""
        from autosota.agents.ideator.imports import add_from_import

        if (name, f"{module}.{name}") in self.imports():
            return []
        source = SourceFile(self.document.path, self.content)
        return [self._kept_in_cell(e) for e in add_from_import(source, module, [name])]

    def knows(self, module: str, name: str) -> bool:
        """Whether a name is free to mean this, or means it already."""
        bound = {dotted for local, dotted in self.imports() if local == name}
        if bound:
            return bound == {f"{module}.{name}"}
        return not self.binds(self.body, name) and not any(
            isinstance(s, ir.Function | ir.Class) and s.name == name
            for s in ir.statements(self.body)
        )

    def imports(self) -> list[tuple[str, str]]:
        """Local and dotted names of the imports at the top level."""
        return [pair for s in self.body if isinstance(s, ir.Import) for pair in s.names]

    def _kept_in_cell(self, edit: Edit) -> Edit:
        """A line added behind the last one of a cell stays in that cell."""
        starts = [cell.start for cell in self.document.cells[1:]]
        newline = self.newline
        if edit.start == edit.end and edit.start in starts and edit.text.endswith(newline):
            at = edit.start - len(newline)
            return Edit(at, at, newline + edit.text.removesuffix(newline))
        return edit

    def _lines(self, stmt: ir.Stmt) -> tuple[int, int]:
        """The bytes from the start of a statement's first line to the end of its last."""
        first = self.content.rfind(b"\n", 0, self.start(stmt)) + 1
        last = self.content.find(b"\n", self.end(stmt))
        last = len(self.content) if last < 0 else last
        return first, last - (self.content[last - 1 : last] == b"\r")


def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")


def _targets(stmt: ir.Stmt) -> Iterator[ir.Expr]:
    if isinstance(stmt, ir.Assign | ir.Delete):
        yield from stmt.targets
    elif isinstance(stmt, ir.For):
        yield stmt.target
    elif isinstance(stmt, ir.With):
        yield from (target for _, target in stmt.items if target is not None)
    for expr in ir.expressions(stmt):
        if isinstance(expr, ir.Walrus):
            yield ir.Name(expr.unit, expr.start, expr.end, expr.name)


def _root(expr: ir.Expr) -> str:
    while isinstance(expr, ir.Attribute | ir.Subscript):
        expr = expr.value
    return expr.id if isinstance(expr, ir.Name) else ""
