"""The other files of a project, seen lazily for what a file imports from them.

Only paths and bytes are known; whoever makes a `Project` says how a path is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

_IMPORT = re.compile(rb"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import|import[ \t]+([\w., \t]+))", re.M)


@dataclass(slots=True)
class Project:
    """The files of a tree, by path relative to its root.

    Attributes:
        paths: Every Python file and notebook.
        read: Gives a file's bytes, or None when it cannot be read.
    """

    paths: Collection[str]
    read: Callable[[str], bytes | None]
    _imports: dict[str, tuple[bytes, frozenset[str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> Project:
        """A project held in memory."""
        return cls(frozenset(files), files.get)

    def find(self, module: str, importer: str = "") -> str | None:
        """The path of a module as `importer` would find it: beside it, at the root, in `src`."""
        dots = len(module) - len(module.lstrip("."))
        parts = [p for p in module[dots:].split(".") if p]
        folder = importer.rsplit("/", 1)[0].split("/") if "/" in importer else []
        bases = [folder[: len(folder) - dots + 1]] if dots else [folder, [], ["src"]]
        for base in bases:
            stem = "/".join([*base, *parts])
            for path in (f"{stem}.py", f"{stem}/__init__.py"):
                if path in self.paths:
                    return path
        return None

    def imported(self, path: str) -> frozenset[str]:
        """The project's files that a file imports."""
        content = self.read(path)
        if content is None:
            return frozenset()
        known = self._imports.get(path)
        if known is not None and known[0] == content:
            return known[1]
        found = set()
        for module, names in _IMPORT.findall(content):
            for name in [module] if module else names.split(b","):
                words = name.decode("utf-8", "replace").split()
                target = self.find(words[0], path) if words else None
                if target is not None:
                    found.add(target)
        self._imports[path] = (content, frozenset(found))
        return self._imports[path][1]

    def dependents(self, path: str) -> frozenset[str]:
        """The files whose findings may change when this one does: those that import it."""
        reached: set[str] = set()
        todo: list[str] = [path]
        users: dict[str, list[str]] = {}
        for other in sorted(self.paths):
            for target in self.imported(other):
                users.setdefault(target, []).append(other)
        while todo:
            for other in users.get(todo.pop(), ()):
                if other not in reached:
                    reached.add(other)
                    todo.append(other)
        return frozenset(reached - {path})


def modules(names: Iterable[str]) -> frozenset[str]:
    """The modules of dotted names: `a.b.c` gives `a.b`."""
    return frozenset(n.rsplit(".", 1)[0] for n in names if "." in n)
