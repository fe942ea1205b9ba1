"""What the names of a file are bound to by its imports.

`nn.Linear` is `torch.nn.Linear` only when an import of this file says so and nothing else in
the file binds `nn` again. Does not follow assignments; of what star imports bring, it knows what
it is told (those of the repository's own files), and guesses nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tree_sitter import Node

from autosota.agents.code.source import SourceFile


@dataclass(frozen=True, slots=True)
class ImportedName:
    """One name brought in by an import: `local` is bound to `dotted`.

    `part` is the piece of the statement that brings it, `statement` the whole statement.
    """

    local: str
    dotted: str
    part: Node
    statement: Node


class Bindings:
    """The imported names of one file."""

    def __init__(self, source: SourceFile, starred: Mapping[str, str] | None = None) -> None:
        self._source = source
        self.imported = tuple(_imports(source))
        self.modules = frozenset(
            name.dotted for name in self.imported if name.statement.type == "import_statement"
        )
        self.from_modules = frozenset(
            source.text(name)
            for node in source.walk()
            if node.type == "import_from_statement"
            and (name := node.child_by_field_name("module_name")) is not None
        )
        self.bound_here = frozenset(_bound(source))
        self._names: dict[str, str] = {}
        conflicts = set(self.bound_here)
        for each in self.imported:
            local, dotted = _effective(each)
            if self._names.setdefault(local, dotted) != dotted:
                conflicts.add(local)
        for local, dotted in (starred or {}).items():
            self._names.setdefault(local, dotted)
        for local in conflicts:
            self._names.pop(local, None)

    @property
    def library(self) -> Mapping[str, str]:
        """The dotted names of other packages by local name, as a star import passes them on."""
        return {k: v for k, v in self._names.items() if not v.startswith(".") and k[:1] != "_"}

    def resolve(self, node: Node | None) -> str:
        """The dotted name that an expression stands for, or '' when it is not known."""
        if node is None:
            return ""
        if node.type == "identifier":
            return self._names.get(self._source.text(node), "")
        if node.type == "attribute":
            owner = self.resolve(node.child_by_field_name("object"))
            attribute = node.child_by_field_name("attribute")
            if owner and attribute is not None:
                return f"{owner}.{self._source.text(attribute)}"
        return ""

    def local_for(self, dotted: str) -> str:
        """The local name bound to exactly this dotted name, or ''."""
        return next((local for local, full in self._names.items() if full == dotted), "")

    def is_free(self, name: str) -> bool:
        """True when nothing in this file binds that name yet."""
        own = name in self.bound_here or name in {i.local for i in self.imported}
        return not own and name not in self._names

    def uses(self, package: str) -> bool:
        """True when a name of this package is really bound in this file."""
        return any(
            full == package or full.startswith(package + ".") for full in self._names.values()
        )


def star_imports(source: SourceFile) -> list[str]:
    """The modules of `from … import *`, as the file writes them."""
    return [
        source.text(module)
        for node in source.walk()
        if node.type == "import_from_statement"
        and any(c.type == "wildcard_import" for c in node.children)
        and (module := node.child_by_field_name("module_name")) is not None
    ]


def _effective(name: ImportedName) -> tuple[str, str]:
    # `import torch.nn` binds `torch`, not `torch.nn`; with an alias it binds the whole.
    if name.statement.type == "import_statement" and name.part.type == "dotted_name":
        root = name.dotted.split(".")[0]
        return root, root
    return name.local, name.dotted


def _imports(source: SourceFile) -> Iterator[ImportedName]:
    for node in source.walk():
        if node.type == "import_statement":
            for part in node.children_by_field_name("name"):
                yield _one(source, part, "", node)
        elif node.type == "import_from_statement":
            module = node.child_by_field_name("module_name")
            prefix = source.text(module) if module is not None else ""
            joint = "" if prefix.endswith(".") else "."
            for part in node.children_by_field_name("name"):
                yield _one(source, part, prefix + joint, node)


def _one(source: SourceFile, part: Node, prefix: str, statement: Node) -> ImportedName:
    if part.type == "aliased_import":
        name, alias = part.child_by_field_name("name"), part.child_by_field_name("alias")
        if name is not None and alias is not None:
            dotted = prefix + source.text(name)
            return ImportedName(source.text(alias), dotted, part, statement)
    text = source.text(part)
    return ImportedName(text, prefix + text, part, statement)


def _bound(source: SourceFile) -> Iterator[str]:
    """Names that something other than an import binds, anywhere in the file.

    One flat set: a name shadowed in a single function is unknown in the whole file. That
    loses a few ideas and never mistakes one library for another.
    """
    for node in source.walk():
        if node.type in ("function_definition", "class_definition"):
            in_class = node.parent is not None and _in_class_body(node)
            name = node.child_by_field_name("name")
            if name is not None and not in_class:
                yield source.text(name)
        elif node.type in ("assignment", "augmented_assignment", "for_statement", "for_in_clause"):
            yield from _targets(source, node.child_by_field_name("left"))
        elif node.type == "named_expression":
            yield from _targets(source, node.child_by_field_name("name"))
        elif node.type in ("parameters", "lambda_parameters"):
            for child in node.named_children:
                yield from _parameter(source, child)
        elif node.type == "as_pattern_target":
            for child in node.named_children:
                yield from _targets(source, child)
        elif node.type in ("global_statement", "nonlocal_statement"):
            for child in node.named_children:
                yield source.text(child)


def _in_class_body(node: Node) -> bool:
    parent = node.parent
    if parent is not None and parent.type == "decorated_definition":
        parent = parent.parent
    return (
        parent is not None
        and parent.type == "block"
        and parent.parent is not None
        and parent.parent.type == "class_definition"
    )


def _targets(source: SourceFile, node: Node | None) -> Iterator[str]:
    if node is None:
        return
    if node.type == "identifier":
        yield source.text(node)
    elif node.type in ("pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern"):
        for child in node.named_children:
            yield from _targets(source, child)


def _parameter(source: SourceFile, node: Node) -> Iterator[str]:
    if node.type == "identifier":
        yield source.text(node)
        return
    name = node.child_by_field_name("name")
    if name is not None:
        yield source.text(name)
        return
    for child in node.named_children:
        if child.type in ("identifier", "list_splat_pattern", "dictionary_splat_pattern"):
            yield from _parameter(source, child)
            return
