"""What one Python file says: imports, symbols, statements, constants, each with its lines.

Facts are cached by content, so a tree that differs in one file costs one file. Regions that
did not parse are listed in `broken`; nothing is concluded from what is missing there. Other
files are not looked at: see `program.py` for what names mean across files.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from autosota.agents.code.fingerprint import dotted, fingerprint, local_names, only_logs, trivial
from autosota.agents.code.lower import is_opaque, lower
from autosota.agents.code.source import SourceFile
from autosota.agents.domain import Place

MODULE = "<module>"
"""The symbol of statements outside all functions and classes."""

_LARGEST = 1_000_000
_MAGIC = re.compile(rb"^([ \t]*)[%!](?=\S)", re.MULTILINE)

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Binding:
    """What an import binds: `name` in the file stands for `dotted`, `level` dots up."""

    name: str
    dotted: str
    level: int
    line: int
    member: bool


@dataclass(frozen=True)
class Statement:
    """A simple statement, or the head of a compound one, and the symbol it is in."""

    node: ast.stmt
    symbol: str
    facts: FileFacts = field(repr=False, compare=False)

    @cached_property
    def fingerprint(self) -> str:
        """Of this statement alone; a compound statement counts with its head only."""
        return fingerprint(head(self.node), self.facts.resolve)

    @property
    def line(self) -> int:
        """Its first line, from 1."""
        return self.node.lineno

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.facts.place(self.node)


@dataclass(frozen=True)
class Symbol:
    """A function or a class, by its qualified name."""

    name: str
    node: Definition
    facts: FileFacts = field(repr=False, compare=False)

    @cached_property
    def fingerprint(self) -> str:
        """Of what it does, not of what it is called (nor of what its locals are called)."""
        node = self.node
        if isinstance(node, ast.ClassDef):
            parts: list[ast.AST] = [*node.bases, *node.keywords, *node.decorator_list]
            return fingerprint([*parts, *node.body], self.facts.resolve)
        parts = [node.args, *node.decorator_list, *node.body]
        return fingerprint(parts, self.facts.resolve, local_names(node))

    @property
    def is_class(self) -> bool:
        """True for a class."""
        return isinstance(self.node, ast.ClassDef)


def head(node: ast.stmt) -> list[ast.AST]:
    """The part of a statement that is not the statements inside it."""
    if isinstance(node, ast.If | ast.While):
        return [ast.Name(type(node).__name__), node.test]
    if isinstance(node, ast.For):
        return [ast.Name("For"), node.target, node.iter]
    if isinstance(node, ast.With):
        return [ast.Name("With"), *node.items]
    if isinstance(node, ast.Try):
        caught = [h.type for h in node.handlers if h.type is not None]
        return [ast.Name("Try"), ast.Constant(len(node.handlers)), *caught]
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return [ast.Name("def"), ast.Name(node.name), node.args, *node.decorator_list]
    if isinstance(node, ast.ClassDef):
        return [ast.Name("class"), ast.Name(node.name), *node.bases, *node.decorator_list]
    return [node]


class FileFacts:
    """One file, read once."""

    def __init__(self, path: str, content: bytes) -> None:
        self.path = path
        self.unreadable = ""
        if len(content) > _LARGEST:
            self.unreadable = f"{path} has {len(content):,} bytes and was not read"
            content = b""
        elif b"\x00" in content:
            self.unreadable = f"{path} is not text"
            content = b""
        self.source = SourceFile(path, content)
        if self.source.has_error and _MAGIC.search(content):
            # IPython magics: same length, so that every place stays true
            self.source = SourceFile(path, _MAGIC.sub(rb"\1#", content))
        self.tree = lower(self.source)

    # ---------------------------------------------------------------- places

    def place(self, node: ast.AST) -> Place:
        """The place of an abstract node."""
        line = getattr(node, "lineno", 1)
        end = getattr(node, "end_lineno", None) or line
        lines = self._lines
        start = getattr(node, "col_offset", 0)
        text = lines[line - 1] if line <= len(lines) else b""
        column = len(text[:start].decode("utf-8", "replace")) + 1
        last = lines[end - 1] if end <= len(lines) else b""
        stop = len(last[: getattr(node, "end_col_offset", 0)].decode("utf-8", "replace")) + 1
        return Place(self.path, line, column, end, stop)

    @cached_property
    def _lines(self) -> list[bytes]:
        return self.source.content.split(b"\n")

    @cached_property
    def broken(self) -> tuple[int, ...]:
        """Lines at which a region starts that could not be read."""
        if self.unreadable:
            return (1,)
        marks = {n.lineno for n in ast.walk(self.tree) if isinstance(n, ast.Name) and is_opaque(n)}
        stack = [self.source.root] if self.source.has_error else []
        while stack:
            node = stack.pop()
            if node.is_error or node.is_missing:
                marks.add(node.start_point.row + 1)
            elif node.has_error:
                stack.extend(node.children)
        return tuple(sorted(marks))

    # ---------------------------------------------------------------- imports

    @cached_property
    def imports(self) -> tuple[Binding, ...]:
        """All imports of the file, at any depth, in order."""
        out: list[Binding] = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.asname or alias.name.partition(".")[0]
                    whole = alias.name if alias.asname else alias.name.partition(".")[0]
                    out.append(Binding(name, whole, 0, node.lineno, False))
                    if not alias.asname and "." in alias.name:
                        out.append(Binding("", alias.name, 0, node.lineno, False))
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                for alias in node.names:
                    whole = f"{base}.{alias.name}".lstrip(".")
                    name = alias.asname or alias.name
                    out.append(Binding(name, whole, node.level, node.lineno, True))
        out.sort(key=lambda b: (b.line, b.name))
        return tuple(out)

    @cached_property
    def bound(self) -> dict[str, str]:
        """Local name → dotted name, for absolute imports."""
        return {b.name: "." * b.level + b.dotted for b in self.imports if b.name and b.name != "*"}

    def resolve(self, name: str) -> str:
        """What a bare name stands for, if an import binds it."""
        return self.bound.get(name, name)

    def dotted(self, node: ast.expr) -> str:
        """The full dotted name of an expression, imports resolved; '' when it has none."""
        name = dotted(node)
        root, dot, rest = name.partition(".")
        return self.bound.get(root, root) + dot + rest if name else ""

    # ---------------------------------------------------------------- symbols

    @cached_property
    def symbols(self) -> dict[str, Symbol]:
        """Functions and classes by qualified name; the last definition of a name wins."""
        out: dict[str, Symbol] = {}

        def visit(body: list[ast.stmt], prefix: str) -> None:
            for node in body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    name = prefix + node.name
                    out[name] = Symbol(name, node, self)
                    visit(node.body, name + ".")
                else:
                    for inner in _blocks(node):
                        visit(inner, prefix)

        visit(self.tree.body, "")
        return out

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Every statement with a meaning, in source order."""
        out: list[Statement] = []

        def visit(body: list[ast.stmt], symbol: str) -> None:
            for node in body:
                if trivial(node):
                    continue
                out.append(Statement(node, symbol or MODULE, self))
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    visit(node.body, f"{symbol}.{node.name}" if symbol else node.name)
                else:
                    for inner in _blocks(node):
                        visit(inner, symbol)

        visit(self.tree.body, "")
        return tuple(out)

    @cached_property
    def calls(self) -> tuple[tuple[str, ast.Call], ...]:
        """Every call that has a dotted name, imports resolved, in source order."""
        found = [n for n in ast.walk(self.tree) if isinstance(n, ast.Call)]
        found.sort(key=lambda n: (n.lineno, n.col_offset))
        return tuple((name, n) for n in found if (name := self.dotted(n.func)))

    @cached_property
    def constants(self) -> dict[str, ast.expr]:
        """`NAME = literal` at module and class level, by qualified name."""
        out: dict[str, ast.expr] = {}
        for statement in self.statements:
            node = statement.node
            inside = self.symbols.get(statement.symbol)
            if statement.symbol != MODULE and (inside is None or not inside.is_class):
                continue
            prefix = "" if statement.symbol == MODULE else statement.symbol + "."
            value = getattr(node, "value", None)
            targets = node.targets if isinstance(node, ast.Assign) else []
            if isinstance(node, ast.AnnAssign):
                targets = [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and isinstance(value, ast.expr):
                    out[prefix + target.id] = value
        return out

    @cached_property
    def fingerprint(self) -> str:
        """Of the whole file, imports included (their order is not)."""
        names = sorted(f"{'.' * b.level}{b.dotted}" for b in self.imports)
        marks: list[ast.AST] = [ast.Constant(n) for n in names]
        return fingerprint([*marks, *self.tree.body], self.resolve)

    def logs(self) -> Iterator[ast.stmt]:
        """The statements that only log."""
        return (n for n in ast.walk(self.tree) if isinstance(n, ast.stmt) and only_logs(n))


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield block
    for handler in getattr(node, "handlers", ()):
        yield handler.body


@lru_cache(maxsize=1024)
def file_facts(path: str, content: bytes) -> FileFacts:
    """The facts of a file, from a cache when these bytes were seen at this path before."""
    return FileFacts(path, content)
