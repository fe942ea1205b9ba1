"""A program as the places where its numbers come from: keys of dicts, loop values, splits.

Follows names a few steps, never executes. Where numbers are shown is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tree_sitter import Node

from autosota.agents.code.source import SourceFile
from autosota.agents.init import syntax
from autosota.agents.init.paths import Paths
from autosota.agents.init.repository import Repository
from autosota.agents.objective import vocabulary

_DEPTH = 5


class Program(Paths):
    """A script and what it imports, with the values its settings will have."""

    def __init__(self, repo: Repository, script: str, values: Mapping[str, str]) -> None:
        super().__init__(repo, script, values)
        self.script = script
        self.sources = tuple(self._sources.values())
        self.called = frozenset(syntax.callee(s, c) for s in self.sources for c in syntax.calls(s))

    def keys(self, source: SourceFile, node: Node, depth: int = 0) -> list[tuple[str, Node | None]]:
        """The dotted keys of a dict expression, each with its value where that is written."""
        if depth > _DEPTH:
            return []
        if node.type == "dictionary":
            return self._literal_keys(source, node, depth)
        if node.type == "identifier":
            return self._named_keys(source, node, depth)
        if node.type == "call":
            called = syntax.callee(source, node)
            if called == "dict":
                pairs = syntax.arguments(source, node).keywords.items()
                return [k for n, v in pairs for k in self._nested(source, n, v, depth)]
            return self._returned_keys(called, depth)
        if node.type == "binary_operator":
            found: list[tuple[str, Node | None]] = []
            for side in ("left", "right"):
                inner = node.child_by_field_name(side)
                found += self.keys(source, inner, depth + 1) if inner is not None else []
            return found
        return []

    def texts(self, source: SourceFile, node: Node, depth: int = 0) -> list[str]:
        """The strings that an expression takes, where they are written in the source."""
        plain = syntax.string(source, node)
        if plain is not None:
            return [plain]
        if depth > _DEPTH:
            return []
        if node.type in ("tuple", "list", "set", "expression_list"):
            found: list[str] = []
            for child in node.named_children:
                first = syntax.first_child(child) if child.type == "tuple" else child
                found += self.texts(source, first, depth + 1) if first is not None else []
            return found
        if node.type == "call":
            called = syntax.callee(source, node)
            function = node.child_by_field_name("function")
            owner = function.child_by_field_name("object") if function is not None else None
            if called.endswith((".items", ".keys")) and owner is not None:
                return [k for k, _ in self.keys(source, owner, depth + 1)]
            given = syntax.arguments(source, node).positional
            if called in ("sorted", "list", "enumerate", "zip") and given:
                return self.texts(source, given[0], depth + 1)
            return []
        if node.type == "identifier":
            found = []
            for value in self.bindings(source, node):
                found += self.texts(source, value, depth + 1)
                # A loop over a dict takes its keys; the dict itself is no name.
                iterated = value.type == "identifier" or (depth and value.type == "dictionary")
                if not found and iterated:
                    found += [k for k, _ in self.keys(source, value, depth + 1)]
            for other, value in self.passed(source, node) if not found else []:
                found += self.texts(other, value, depth + 1)
            return list(dict.fromkeys(found))
        return []

    def split(self, source: SourceFile, node: Node) -> str:
        """The split a number was measured on, told by the names that lead to it; or ""."""
        own = _splits(source.text(node))
        if own:
            return own
        for value in reversed(self.bindings(source, node)):
            if found := _splits(source.text(value)):
                return found
        function = syntax.function_of(node)
        return vocabulary.split_of(syntax.name_of(source, function)) if function else ""

    def measured(self, source: SourceFile, node: Node) -> str:
        """The metric a number is, told by the names that lead to it; or ""."""
        for text in (source.text(node), *(source.text(b) for b in self.bindings(source, node))):
            for name in re.findall(r"[A-Za-z_]\w*", text):
                if vocabulary.is_metric(name):
                    return str(name)
        return ""

    def in_percent(self, source: SourceFile, node: Node, spec: str = "") -> bool:
        """True when a number is multiplied by 100, or shown by a format that does it."""
        if spec.endswith("%"):
            return True
        for value in (node, *self.bindings(source, node)):
            text = source.text(value)
            if re.search(r"\b100(\.0?)?\s*\*|\*\s*100(\.0?)?(?![\d.])", text):
                return True
        return False

    def _literal_keys(
        self, source: SourceFile, node: Node, depth: int
    ) -> list[tuple[str, Node | None]]:
        found: list[tuple[str, Node | None]] = []
        for child in node.named_children:
            if child.type == "pair":
                name = child.child_by_field_name("key")
                value = child.child_by_field_name("value")
                for key in self.texts(source, name, depth + 1) if name is not None else []:
                    if value is not None:
                        found += self._nested(source, key, value, depth)
            elif child.type == "dictionary_splat":
                inner = syntax.first_child(child)
                found += self.keys(source, inner, depth + 1) if inner is not None else []
        return found

    def _nested(
        self, source: SourceFile, key: str, value: Node, depth: int
    ) -> list[tuple[str, Node | None]]:
        if value.type in ("dictionary", "identifier", "call"):
            inner = self.keys(source, value, depth + 1)
            if inner:
                return [(f"{key}.{k}", v) for k, v in inner]
        return [(key, value)]

    def _named_keys(
        self, source: SourceFile, node: Node, depth: int
    ) -> list[tuple[str, Node | None]]:
        found: list[tuple[str, Node | None]] = []
        for value in self.bindings(source, node):
            found += self.keys(source, value, depth + 1)
        name, function = source.text(node), syntax.function_of(node)
        for other in syntax.nodes(source, "assignment"):
            if syntax.function_of(other) == function:
                left = other.child_by_field_name("left")
                right = other.child_by_field_name("right")
                if left is None or right is None or left.type != "subscript":
                    continue
                holder = left.child_by_field_name("value")
                inner = left.child_by_field_name("subscript")
                if holder is not None and source.text(holder) == name and inner is not None:
                    for key in self.texts(source, inner, depth + 1):
                        found += self._nested(source, key, right, depth)
        if not found:
            for other_source, value in self.passed(source, node):
                found += self.keys(other_source, value, depth + 1)
        return list({k: (k, v) for k, v in found}.values())

    def _returned_keys(self, called: str, depth: int) -> list[tuple[str, Node | None]]:
        name = called.rsplit(".", 1)[-1]
        found: list[tuple[str, Node | None]] = []
        for source in self.sources:
            for node in syntax.nodes(source, "return_statement"):
                if node.named_child_count != 1:
                    continue
                if syntax.name_of(source, syntax.function_of(node)) == name:
                    value = syntax.first_child(node)
                    found += self.keys(source, value, depth + 1) if value is not None else []
        return found


def _splits(text: str) -> str:
    found = {vocabulary.split_of(n) for n in re.findall(r"[A-Za-z_]\w*", text)}
    # `model.fit(x_train).score(x_test)` is measured on test.
    return next((s for s in ("test", "val", "train") if s in found), "")
