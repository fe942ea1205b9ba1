"""Which file imports which, over a whole workspace: read once, kept up to date by name.

Text is scanned for import lines and not parsed, so that thousands of files take seconds; only
names are kept. What files mean is not known here.
"""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

from autosota.server.check.files import NEVER

_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+(\(?[\w \t,*]*)|import[ \t]+([\w., \t]+))",
    re.M,
)
_ENTRY = re.compile(rb"^if[ \t]+__name__[ \t]*==", re.M)
LARGEST = 2_000_000


class Index:
    """The Python files below a folder and what each imports of the others."""

    def __init__(self, root: str) -> None:
        """Nothing is read yet; `build` does."""
        self.root = root
        self.built = False
        self.seconds = 0.0
        self.paths: set[str] = set()
        self.entries: set[str] = set()
        self._names: dict[str, tuple[str, ...]] = {}
        self._left: list[str] | None = None

    def build(self, seconds: float | None = None) -> bool:
        """Read every file once, for so long at most; gives whether all are read."""
        start = time.perf_counter()
        if self._left is None:
            self._left = sorted(_python(self.root), reverse=True)
            self.paths = set(self._left)
        while self._left and (seconds is None or time.perf_counter() - start < seconds):
            self._scan(self._left.pop())
        self.built = not self._left
        self.seconds += time.perf_counter() - start
        return self.built

    @property
    def read(self) -> int:
        """How many files were read so far."""
        return len(self.paths) - len(self._left or ())

    def changed(self, path: str) -> None:
        """A file was written, made or removed."""
        if self._left is None or not path.endswith(".py"):
            return
        if os.path.isfile(os.path.join(self.root, path)):
            self.paths.add(path)
            self._scan(path)
        else:
            self.paths.discard(path)
            self._names.pop(path, None)
            self.entries.discard(path)

    def imported(self, path: str) -> frozenset[str]:
        """The workspace's own files that a file imports."""
        found = (self._find(name, path) for name in self._names.get(path, ()))
        return frozenset(f for f in found if f is not None and f != path)

    def closure(self, starts: Iterable[str], most: int = 400) -> frozenset[str]:
        """Files and everything they import, nearest first until there are too many."""
        seen = dict.fromkeys(s for s in starts if s in self.paths)
        queue = deque(seen)
        while queue and len(seen) < most:
            for path in sorted(self.imported(queue.popleft())):
                if path not in seen:
                    seen[path] = None
                    queue.append(path)
        return frozenset(seen)

    def importers(self, path: str) -> frozenset[str]:
        """The files that import this one."""
        stem = os.path.basename(os.path.dirname(path) if path.endswith("__init__.py") else path)
        word = stem.removesuffix(".py")
        near = (p for p, names in self._names.items() if any(word in n for n in names))
        return frozenset(p for p in near if path in self.imported(p))

    def _scan(self, path: str) -> None:
        full = os.path.join(self.root, path)
        self.entries.discard(path)
        try:
            if os.path.getsize(full) > LARGEST:
                self._names[path] = ()
                return
            content = Path(full).read_bytes()
        except (OSError, ValueError):
            self._names[path] = ()
            return
        self._names[path] = tuple(dict.fromkeys(_imported_names(content)))
        if _ENTRY.search(content):
            self.entries.add(path)

    def _find(self, module: str, importer: str) -> str | None:
        dots = len(module) - len(module.lstrip("."))
        parts = [p for p in module[dots:].split(".") if p]
        folder = importer.split("/")[:-1]
        bases = [folder[: len(folder) - dots + 1]] if dots else [folder, [], ["src"]]
        for base in bases:
            stem = "/".join([*base, *parts])
            for path in (f"{stem}.py", f"{stem}/__init__.py"):
                if path in self.paths:
                    return path
        return None


def _imported_names(content: bytes) -> Iterator[str]:
    for module, names, plain in _IMPORT.findall(content):
        if plain:
            for part in plain.split(b","):
                words = part.split()
                if words:
                    yield words[0].decode("ascii", "replace")
            continue
        base = module.decode("ascii", "replace")
        yield base
        for part in names.strip(b"( \t").split(b","):  # a name may be a module
            words = part.split()
            if words and words[0] != b"*":
                joint = "" if base.endswith(".") else "."
                yield base + joint + words[0].decode("ascii", "replace")


def _python(root: str) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        folders[:] = [
            f
            for f in folders
            if f not in NEVER and not os.path.exists(os.path.join(folder, f, "pyvenv.cfg"))
        ]
        inner = os.path.relpath(folder, root).replace(os.sep, "/")
        for name in files:
            if name.endswith(".py"):
                yield name if inner == "." else f"{inner}/{name}"
