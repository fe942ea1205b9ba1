"""A file of the repository as the ideator reads it, and the repository around it.

`Module` answers questions about one parsed file: calls, functions, uses of a name. `Project`
opens files of a tree by path or by module name, and carries the objective and the boundary
when they are known (while proposing); while implementing they are not, and every question
that needs them is answered permissively, because the same lever was admitted before.
"""

from __future__ import annotations

import posixpath
import warnings
from collections.abc import Iterator
from functools import cached_property

from tree_sitter import Node

from autosota.agents.code.source import SourceFile
from autosota.agents.domain import Boundary, Objective
from autosota.agents.ideator.bindings import Bindings, star_imports
from autosota.agents.ideator.calls import Call, read_call
from autosota.agents.protocols import Tree

MAX_BYTES = 1_000_000
"""Larger files are generated or data; they are not read for levers."""


class Module:
    """One parsed Python file."""

    def __init__(self, source: SourceFile, project: Project) -> None:
        self.source = source
        self.project = project
        self.path = source.path

    @cached_property
    def bindings(self) -> Bindings:
        """What the names of this file are bound to, star imports of the repository included."""
        return Bindings(self.source, self._starred())

    def _starred(self) -> dict[str, str]:
        """The library names that `from .own import *` brings, one file after another."""
        found: dict[str, str] = {}
        for name in star_imports(self.source):
            other = self.project.find(name, self.path)
            if other is not None and other is not self and other.path not in self.project.opening:
                self.project.opening.add(self.path)
                found |= other.bindings.library
                self.project.opening.discard(self.path)
        return found

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes in source order."""
        return tuple(self.source.walk())

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """All calls in source order."""
        found = (read_call(self.source, self.bindings, n) for n in self.nodes if n.type == "call")
        return tuple(call for call in found if call is not None)

    @cached_property
    def names(self) -> dict[str, tuple[Node, ...]]:
        """Every identifier that is a variable (not an attribute or keyword), by name."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            if node.type == "identifier" and not _is_label(node):
                found.setdefault(self.text(node), []).append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    @cached_property
    def attributes(self) -> frozenset[str]:
        """Every attribute name read or called in this file."""
        return frozenset(
            self.text(attribute)
            for node in self.nodes
            if node.type == "attribute"
            and (attribute := node.child_by_field_name("attribute")) is not None
        )

    @cached_property
    def neighbours(self) -> tuple[Module, ...]:
        """This file, the repository's files that it imports, and those that import it."""
        near = {self.path: self}
        for other in self.project.imported_by(self):
            near[other.path] = other
        stem = posixpath.basename(self.path).removesuffix(".py").encode()
        for path in self.project.paths:
            if path in near or not path.endswith(".py") or stem not in self.project.read(path):
                continue
            other_module = self.project.module(path)
            if other_module is not None and self in self.project.imported_by(other_module):
                near[path] = other_module
        return tuple(near.values())

    @cached_property
    def functions(self) -> dict[str, Node]:
        """Function definitions by qualified name."""
        return {
            self.symbol(name): node
            for node in self.nodes
            if node.type == "function_definition"
            and (name := node.child_by_field_name("name")) is not None
        }

    @cached_property
    def parses(self) -> bool:
        """True when Python itself accepts the file."""
        return accepts(self.source.content)

    def text(self, node: Node) -> str:
        """The source text of a node."""
        return self.source.text(node)

    def symbol(self, node: Node) -> str:
        """The qualified name of the function or class around a node; '' at module level."""
        return self.source.symbol(node)

    def call(self, node: Node | None) -> Call | None:
        """The call that a node is, or None."""
        return read_call(self.source, self.bindings, node) if node is not None else None

    def calls_in(self, node: Node) -> Iterator[Call]:
        """The calls inside a node, in source order."""
        for call in self.calls:
            if contains(node, call.node):
                yield call

    @cached_property
    def indent(self) -> str:
        """One level of indentation as this file writes it."""
        for node in self.nodes:
            if node.type == "block" and node.parent is not None and node.named_children:
                outer = self.source.indent_of(node.parent)
                inner = self.source.indent_of(node.named_children[0])
                if inner.startswith(outer) and len(inner) > len(outer):
                    return inner[len(outer) :].decode()
        return "    "


class Project:
    """The files of a tree, parsed when asked for."""

    def __init__(
        self, tree: Tree, objective: Objective | None = None, boundary: Boundary | None = None
    ) -> None:
        self.tree = tree
        self.objective = objective
        self.boundary = boundary
        self.paths = tuple(tree.files())
        self._known = frozenset(self.paths)
        self._modules: dict[str, Module | None] = {}
        self.opening: set[str] = set()

    def is_frozen(self, name: str) -> bool:
        """R7: True when the objective freezes the constant of this name."""
        if self.objective is None:
            return False
        frozen = {f.replace("-", "_").lower() for f in self.objective.protocol.frozen}
        return name.lstrip("-").replace("-", "_").lower() in frozen

    def module(self, path: str) -> Module | None:
        """The parsed file, or None when it is not UTF-8 Python of a sensible size."""
        if path not in self._modules:
            self._modules[path] = self._open(path)
        return self._modules[path]

    def _open(self, path: str) -> Module | None:
        if path not in self._known or not path.endswith(".py"):
            return None
        content = self.tree.read(path)
        if len(content) > MAX_BYTES:
            return None
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            return None
        return Module(SourceFile(path, content), self)

    def read(self, path: str) -> bytes:
        """The bytes of a file that is known to be in the tree."""
        return self.tree.read(path)

    def imported_by(self, module: Module) -> list[Module]:
        """The repository's own files that a file imports, one step deep."""
        dotted = {i.dotted for i in module.bindings.imported} | module.bindings.from_modules
        names = sorted(dotted | {d.rpartition(".")[0] for d in dotted})
        found = (self.find(name, module.path) for name in names)
        return list({m.path: m for m in found if m is not None and m is not module}.values())

    def find(self, dotted: str, importer: str) -> Module | None:
        """The repository's own file for a module name as `importer` writes it, or None."""
        if not dotted:
            return None
        folder = posixpath.dirname(importer)
        name = dotted.lstrip(".")
        ups = len(dotted) - len(name)
        for _ in range(ups - 1):
            folder = posixpath.dirname(folder)
        bases = [folder] if ups else list(dict.fromkeys([folder, "", "src"]))
        for base in bases:
            stem = posixpath.join(base, name.replace(".", "/")) if name else base
            for candidate in (f"{stem}.py", posixpath.join(stem, "__init__.py")):
                if candidate in self._known:
                    return self.module(candidate)
        return None


def accepts(content: bytes) -> bool:
    """True when Python can compile these bytes. Nothing is run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape in their string is not our news
            # More than ast.parse: repeated keywords, a return outside a function.
            compile(content, "<candidate>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def contains(outer: Node, inner: Node) -> bool:
    """True when one node lies within another (or is it)."""
    return outer.start_byte <= inner.start_byte and inner.end_byte <= outer.end_byte


def enclosing(node: Node, *types: str) -> Node | None:
    """The nearest ancestor of one of these types, or None."""
    current = node.parent
    while current is not None and current.type not in types:
        current = current.parent
    return current


def function_of(node: Node) -> Node | None:
    """The function definition around a node; None at module (or class) level."""
    return enclosing(node, "function_definition", "lambda")


def statement_of(node: Node) -> Node:
    """The statement, directly in a block or the module, that a node belongs to."""
    current = node
    while current.parent is not None and current.parent.type not in ("block", "module"):
        current = current.parent
    return current


def body_of(node: Node) -> list[Node]:
    """The statements of a function, loop or class, without comments."""
    body = node.child_by_field_name("body")
    return [c for c in body.named_children if c.type != "comment"] if body is not None else []


def _is_label(node: Node) -> bool:
    parent = node.parent
    if parent is None:
        return False
    if parent.type == "attribute":
        return parent.child_by_field_name("attribute") == node
    return parent.type == "keyword_argument" and parent.child_by_field_name("name") == node
