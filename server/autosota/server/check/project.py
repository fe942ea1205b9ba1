"""A project on disk as the engine asks for it, and a record of what it asked for.

The record is what a cached result depends on: every file that was looked for, found or not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path

from autosota.agents.check import Project

_LARGEST = 5_000_000


class _Paths(Collection[str]):
    """The files of a folder, asked for one by one."""

    def __init__(self, disk: DiskProject) -> None:
        self._disk = disk

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self._disk.content(path) is not None

    def __iter__(self) -> Iterator[str]:
        for path in sorted(self._disk.root.rglob("*.py")):
            yield path.relative_to(self._disk.root).as_posix()

    def __len__(self) -> int:
        return sum(1 for _ in self)


class DiskProject:
    """Gives a `Project` over a folder; each file is read at most once."""

    def __init__(self, root: Path) -> None:
        """Nothing is read yet."""
        self.root = root
        self.view = Project(_Paths(self), self.content)
        self._content: dict[str, tuple[bytes | None, str]] = {}
        self._looked: dict[str, str] = {}

    def content(self, path: str) -> bytes | None:
        """The bytes of a file, None when it cannot be read; the question is recorded."""
        known = self._content.get(path)
        if known is None:
            known = self._content[path] = self._read(path)
        self._looked[path] = known[1]
        return known[0]

    def _read(self, path: str) -> tuple[bytes | None, str]:
        full = self.root / path
        try:
            if not full.is_file() or full.stat().st_size > _LARGEST:
                return None, ""
            content = full.read_bytes()
        except (OSError, ValueError):
            return None, ""
        return content, hashlib.sha256(content).hexdigest()[:32]

    def looked(self) -> dict[str, str]:
        """What was asked for since the last call: paths and their hashes."""
        out, self._looked = self._looked, {}
        return out
