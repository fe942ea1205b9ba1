"""A workspace on disk as the engine asks for it, and a record of what it asked for.

The record is what a cached result depends on: every file that was looked for, found or not.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Collection, Iterator

from autosota.agents.check import Project
from autosota.server.check.cache import hash_of
from autosota.server.check.files import NEVER

_LARGEST = 5_000_000
_KEPT_BYTES = 32_000_000
"""Contents that are kept at hand; what was used longest ago is read again."""


class _Paths(Collection[str]):
    """The Python files of a folder, asked for one by one."""

    def __init__(self, disk: DiskProject) -> None:
        self._disk = disk

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self._disk.content(path) is not None

    def __iter__(self) -> Iterator[str]:
        for folder, folders, files in os.walk(self._disk.root):
            folders[:] = sorted(f for f in folders if f not in NEVER)
            inner = os.path.relpath(folder, self._disk.root).replace(os.sep, "/")
            for name in sorted(files):
                if name.endswith(".py"):
                    yield name if inner == "." else f"{inner}/{name}"

    def __len__(self) -> int:
        return sum(1 for _ in self)


class DiskProject:
    """Gives a `Project` over a folder."""

    def __init__(self, root: str) -> None:
        """Nothing is read yet."""
        self.root = root
        self.view = Project(_Paths(self), self.content)
        self._contents: OrderedDict[str, bytes | None] = OrderedDict()
        self._hashes: dict[str, str] = {}
        self._bytes = 0
        self._looked: set[str] = set()

    def content(self, path: str) -> bytes | None:
        """The bytes of a file, None when it cannot be read; the question is recorded."""
        self._looked.add(path)
        if path in self._contents:
            self._contents.move_to_end(path)
            return self._contents[path]
        content = self._contents[path] = self._read(path)
        self._hashes[path] = "" if content is None else hash_of(content)
        self._bytes += len(content or b"")
        while self._bytes > _KEPT_BYTES and len(self._contents) > 1:
            self._bytes -= len(self._contents.popitem(last=False)[1] or b"")
        return content

    def _read(self, path: str) -> bytes | None:
        full = os.path.join(self.root, path)
        try:
            if not os.path.isfile(full) or os.path.getsize(full) > _LARGEST:
                return None
            with open(full, "rb") as file:
                return file.read()
        except (OSError, ValueError):
            return None

    def looked(self) -> dict[str, str]:
        """What was asked for since the last call: paths and their hashes, in order."""
        asked, self._looked = self._looked, set()
        return {path: self._hashes[path] for path in sorted(asked)}
