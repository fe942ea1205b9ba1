"""A repository's Python as one program: modules, who imports and who calls whom.

Names are resolved through imports and definitions of the same tree; a method is found by its
name alone, so its callee is "possible". What is loaded by a computed name is not followed and
said in `dynamic`. Values are not known here: see `execute.py`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cached_property

from autosota.agents.code.command import Entry, Started, started_by
from autosota.agents.code.facts import FileFacts, Symbol, file_facts
from autosota.agents.protocols import Tree

_IMPORTERS = {"importlib.import_module", "__import__", "runpy.run_path", "runpy.run_module"}


class Program:
    """All Python files of a tree, parsed on demand."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.files = tuple(tree.files())
        self._known = set(self.files)
        self.python = tuple(f for f in self.files if f.endswith((".py", ".pyw")))
        self._roots: tuple[str, ...] = ("", "src/")

    def facts(self, path: str) -> FileFacts:
        """The facts of one file of the tree."""
        return file_facts(path, self.tree.read(path))

    def started(self, command: str) -> Started:
        """The entry points of a command line."""
        return started_by(self.tree, command)

    # ---------------------------------------------------------------- modules

    def module(self, dotted: str, source: str = "", level: int = 0) -> str:
        """The file of a module of this tree, or ''.

        Args:
            dotted: the module's dotted name, without leading dots.
            source: the file that imports it; its folder is searched first.
            level: leading dots of a relative import.
        """
        folder = source.rpartition("/")[0]
        if level:
            parts = folder.split("/") if folder else []
            parts = parts[: len(parts) - (level - 1)] if level > 1 else parts
            roots: Iterable[str] = ("/".join(parts) + "/" if parts else "",)
        else:
            roots = dict.fromkeys((folder + "/" if folder else "", *self._roots))
        base = dotted.replace(".", "/")
        for root in roots:
            for path in (f"{root}{base}.py", f"{root}{base}/__init__.py" if base else ""):
                if path in self._known:
                    return path
            if not base and f"{root}__init__.py" in self._known:
                return f"{root}__init__.py"
        return ""

    def imported_files(self, path: str) -> tuple[str, ...]:
        """Files of this tree that a file imports, packages on the way included."""
        out: dict[str, None] = {}
        for binding in self.facts(path).imports:
            names = [binding.dotted]
            if binding.member:
                names.insert(0, binding.dotted.rpartition(".")[0])
            for name in names:
                found = self.module(name, path, binding.level)
                if found and found != path:
                    out[found] = None
                    folder = found.rpartition("/")[0]
                    while folder:
                        package = f"{folder}/__init__.py"
                        if package in self._known:
                            out[package] = None
                        folder = folder.rpartition("/")[0]
        return tuple(out)

    def reachable(self, entries: Iterable[str]) -> tuple[str, ...]:
        """The files that starting these can load, themselves included, sorted."""
        seen: set[str] = set()
        queue = [e for e in entries if e in self._known]
        while queue:
            path = queue.pop()
            if path in seen:
                continue
            seen.add(path)
            queue.extend(self.imported_files(path))
        return tuple(sorted(seen))

    def dynamic(self, paths: Iterable[str]) -> tuple[str, ...]:
        """In words, the places that load code by a computed name."""
        out: list[str] = []
        for path in paths:
            for name, call in self.facts(path).calls:
                fixed = call.args and isinstance(call.args[0], ast.Constant)
                if name in _IMPORTERS and not fixed:
                    out.append(f"{path}:{call.lineno} loads a module by a computed name")
        return tuple(out)

    # ---------------------------------------------------------------- symbols

    @cached_property
    def methods(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """Method name → all (path, qualified name) that define it."""
        out: dict[str, list[tuple[str, str]]] = {}
        for path in self.python:
            symbols = self.facts(path).symbols
            for name, symbol in symbols.items():
                owner = symbols.get(name.rpartition(".")[0])
                if not symbol.is_class and owner is not None and owner.is_class:
                    out.setdefault(name.rpartition(".")[2], []).append((path, name))
        return {k: tuple(v) for k, v in out.items()}

    def find(self, path: str, name: str) -> tuple[str, str] | None:
        """The definition that a (dotted) name means in a file, across imports."""
        for _ in range(6):
            facts = self.facts(path)
            if name in facts.symbols:
                return path, name
            root, _dot, rest = name.partition(".")
            binding = next((b for b in facts.imports if b.name == root), None)
            if binding is None:
                return None
            if binding.member:
                base, _dot2, member = binding.dotted.rpartition(".")
                as_module = self.module(binding.dotted, path, binding.level)
                target = self.module(base, path, binding.level)
                if as_module and rest:
                    path, name = as_module, rest
                elif target and target != path:
                    path, name = target, f"{member}.{rest}" if rest else member
                else:
                    return None
            else:
                parts = f"{binding.dotted}.{rest}".split(".")
                for cut in range(len(parts) - 1, 0, -1):
                    target = self.module(".".join(parts[:cut]), path)
                    if target:
                        path, name = target, ".".join(parts[cut:])
                        break
                else:
                    return None
        return None

    def calls_of(self, path: str, symbol: Symbol) -> tuple[tuple[str, str], ...]:
        """What a symbol may call: definitions of this tree; methods are found by name."""
        out: dict[tuple[str, str], None] = {}
        facts = self.facts(path)
        for node in ast.walk(symbol.node):
            if not isinstance(node, ast.Call):
                continue
            name = _chain(node.func)
            if name.startswith("self.") and name.count(".") == 1:
                owner = symbol.name.rpartition(".")[0]
                own = f"{owner}.{name[5:]}"
                if own in facts.symbols:
                    out[path, own] = None
                    continue
            found = self.find(path, name) if name else None
            if found is not None:
                out[found] = None
            elif isinstance(node.func, ast.Attribute):
                for possible in self.methods.get(node.func.attr, ()):
                    out[possible] = None
        return tuple(out)

    def closure(self, path: str, name: str) -> tuple[tuple[str, str], ...]:
        """A symbol and everything it may call, transitively."""
        seen: dict[tuple[str, str], None] = {}
        queue = [(path, name)]
        while queue:
            at = queue.pop()
            symbol = self.facts(at[0]).symbols.get(at[1])
            if at in seen or symbol is None:
                continue
            seen[at] = None
            queue.extend(self.calls_of(at[0], symbol))
        return tuple(seen)


def _chain(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


__all__ = ["Entry", "Program", "Started"]
