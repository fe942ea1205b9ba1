"""What an expression in the code will be when the command template runs.

Follows literals, `os.path.join`, `Path(...) / "x"`, f-strings, names, settings (`args.out`) and
the arguments of calls, a few steps deep. Anything else is None: unknown, not empty.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from tree_sitter import Node

from autosota.agents.code.source import SourceFile
from autosota.agents.init import syntax
from autosota.agents.init.repository import Repository

_DEPTH = 8
_PASSED_THROUGH = (
    "str", "Path", "pathlib.Path", "os.fspath", "os.path.abspath", "os.path.expanduser", "open",
    "to_absolute_path", "gzip.open", "io.open", "codecs.open",
)  # fmt: skip
_KEPT_BY = (".resolve", ".expanduser", ".absolute", ".open", ".as_posix")


def is_foreign(text: str) -> bool:
    """True when a text holds a `{name}` that is none of ours: a template could not say it."""
    return re.search(r"\{(?!seed\}|run_dir\})[A-Za-z_]\w*\}", text) is not None


class Paths:
    """Paths in the code of one program (a script and what it imports).

    Args:
        repo: The repository.
        script: The file that is started.
        values: What the settings of the script will be, by the names the code uses.
    """

    def __init__(self, repo: Repository, script: str, values: Mapping[str, str]) -> None:
        self._values = values
        self._files = [p for p in repo.closure(script) if repo.has(p)]
        self._sources = {p: repo.source(p) for p in self._files}
        self._bound = {p: syntax.assignments(s) for p, s in self._sources.items()}

    def path(self, source: SourceFile, node: Node) -> str | None:
        """A path relative to the workspace, maybe with `{run_dir}` or `{seed}` in it."""
        value = self._value(source, node, 0)
        if not value or not value.isprintable() or is_foreign(value):
            return None
        return posixpath.normpath(value) if not value.startswith(("/", "~")) else value

    def folder(self, source: SourceFile, node: Node) -> str | None:
        """The folder that a path starts with, when the rest of it is not known."""
        while True:
            first: Node | None = None
            if node.type == "binary_operator":
                first = node.child_by_field_name("left")
            elif node.type == "call" and syntax.callee(source, node).endswith("path.join"):
                first = next(iter(syntax.arguments(source, node).positional), None)
            if first is None:
                return None
            found = self.path(source, first)
            if found is not None:
                return found
            node = first

    def bindings(self, source: SourceFile, node: Node) -> list[Node]:
        """The expressions that a name may stand for here: this function's, else the module's."""
        if node.type != "identifier":
            return []
        function = syntax.function_of(node)
        known = self._bound[source.path].get(source.text(node), [])
        inner = [v for f, v in known if f == function]
        return inner or [v for f, v in known if f is None]

    def passed(self, source: SourceFile, node: Node) -> list[tuple[SourceFile, Node]]:
        """What callers hand over for a name that is a parameter of the function around it."""
        function = syntax.function_of(node)
        if function is None or node.type != "identifier":
            return []
        names = [n for n, _ in syntax.parameters(source, function)]
        name = source.text(node)
        if name not in names:
            return []
        index = names.index(name) - (1 if names[0] in ("self", "cls") else 0)
        called = syntax.name_of(source, function)
        found: list[tuple[SourceFile, Node]] = []
        for other in self._sources.values():
            for call in syntax.calls(other):
                if syntax.callee(other, call).rsplit(".", 1)[-1] != called:
                    continue
                given = syntax.arguments(other, call)
                if name in given.keywords:
                    found.append((other, given.keywords[name]))
                elif 0 <= index < len(given.positional):
                    found.append((other, given.positional[index]))
        return found

    def _value(self, source: SourceFile, node: Node, depth: int) -> str | None:
        if depth > _DEPTH:
            return None
        plain = syntax.literal(source, node)
        if plain is not None:
            return plain
        parts = syntax.pieces(source, node)
        if parts is not None:
            return self._joined(source, [p.node or p.text for p in parts], "", depth)
        if node.type == "identifier":
            return self._name(source, node, depth)
        if node.type == "attribute":
            return self._attribute(source, node, depth)
        if node.type == "subscript":
            key = syntax.string(source, node.child_by_field_name("subscript"))
            return self._values.get(key) if key else None
        if node.type == "binary_operator":
            operator = node.child_by_field_name("operator")
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            if operator is None or left is None or right is None:
                return None
            joint = {"/": "/", "+": ""}.get(source.text(operator))
            return self._joined(source, [left, right], joint, depth) if joint is not None else None
        if node.type == "parenthesized_expression":
            inner = syntax.first_child(node)
            return self._value(source, inner, depth + 1) if inner is not None else None
        if node.type == "call":
            return self._call(source, node, depth)
        return None

    def _call(self, source: SourceFile, node: Node, depth: int) -> str | None:
        called = syntax.callee(source, node)
        given = syntax.arguments(source, node).positional
        if called.endswith("path.join") or (called.endswith("Path") and len(given) > 1):
            return self._joined(source, list(given), "/", depth)
        if called.endswith(_KEPT_BY) and called not in _PASSED_THROUGH:
            function = node.child_by_field_name("function")
            inner = function.child_by_field_name("object") if function is not None else None
            return self._value(source, inner, depth + 1) if inner is not None else None
        if called in _PASSED_THROUGH and given:
            return self._value(source, given[0], depth + 1)
        if called.endswith(("environ.get", "getenv")) and given:
            key = syntax.string(source, given[0])
            return self._values.get(key.lower()) if key else None
        return None

    def _name(self, source: SourceFile, node: Node, depth: int) -> str | None:
        name = source.text(node)
        if name == "__file__":
            return source.path
        for value in self.bindings(source, node):
            if value.type == "call" and "argv" in source.text(value):
                break
            found = self._value(source, value, depth + 1)
            if found is not None:
                return found
        for other, value in self.passed(source, node):
            found = self._value(other, value, depth + 1)
            if found is not None:
                return found
        if name in self._values:
            return self._values[name]
        for other_source in self._sources.values():
            # An imported constant: `from config import OUT_DIR`.
            for function, value in self._bound[other_source.path].get(name, []):
                if function is None and other_source is not source:
                    return self._value(other_source, value, depth + 1)
        return None

    def _attribute(self, source: SourceFile, node: Node, depth: int) -> str | None:
        text = "".join(source.text(node).split())
        holder, _, name = text.rpartition(".")
        if name == "parent" or re.search(r"\.parents\[\d\]$", text):
            inner = node.child_by_field_name("object")
            value = self._value(source, inner, depth + 1) if inner is not None else None
            return posixpath.dirname(value) or "." if value is not None else None
        for key in (text.partition(".")[2], name):
            if key in self._values:
                return self._values[key]
        if holder in ("self", "cls"):
            return None
        return None

    def _joined(
        self, source: SourceFile, parts: list[Node | str], joint: str, depth: int
    ) -> str | None:
        found: list[str] = []
        for part in parts:
            value = part if isinstance(part, str) else self._value(source, part, depth + 1)
            if value is None:
                return None
            found.append(value)
        return joint.join(found) if joint != "/" else posixpath.join(*found)
