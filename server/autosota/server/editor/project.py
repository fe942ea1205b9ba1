"""A workspace as the check asks for it while it is being edited: unsaved text before the disk.

What was read is kept until it is said to have changed, or looks changed on a second glance.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Mapping

from autosota.agents.check import Project
from autosota.server.check.files import NEVER

LARGEST = 5_000_000
"""Bytes above which a file is not read for what another imports from it."""
GLANCE_SECONDS = 2.0
"""How long what was read is trusted without a look at the file's time and size."""
_KEPT = 400

_Stamp = tuple[int, int] | None


class _Paths(Collection[str]):
    """The Python files of a folder, asked for one by one."""

    def __init__(self, project: LiveProject) -> None:
        self._project = project

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self._project.content(path) is not None

    def __iter__(self) -> Iterator[str]:
        root = self._project.root
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(f for f in folders if f not in NEVER)
            inner = os.path.relpath(folder, root).replace(os.sep, "/")
            for name in sorted(files):
                if name.endswith(".py"):
                    yield name if inner == "." else f"{inner}/{name}"

    def __len__(self) -> int:
        return sum(1 for _ in self)


class LiveProject:
    """Gives a `Project` over a folder, with the texts of open documents over its files."""

    def __init__(self, root: str, unsaved: Mapping[str, bytes]) -> None:
        """`unsaved` holds the texts of open documents by absolute path; it may change."""
        self.root = root
        self.view = Project(_Paths(self), self.content)
        self._unsaved = unsaved
        self._kept: dict[str, tuple[bytes | None, _Stamp, float]] = {}
        self._looked: set[str] = set()

    def content(self, path: str) -> bytes | None:
        """The bytes of a file by its path from the root; None when it cannot be read."""
        self._looked.add(path)
        full = os.path.join(self.root, path)
        text = self._unsaved.get(full)
        return text if text is not None else self._saved(path, full)

    def looked(self) -> frozenset[str]:
        """The paths that were asked for since the last call."""
        asked, self._looked = frozenset(self._looked), set()
        return asked

    def forget(self, path: str) -> None:
        """This file (its path from the root) has changed on disk."""
        self._kept.pop(path, None)

    def _saved(self, path: str, full: str) -> bytes | None:
        now = time.monotonic()
        known = self._kept.get(path)
        if known is not None and now - known[2] < GLANCE_SECONDS:
            return known[0]
        stamp = _stamp(full)
        if known is None or known[1] != stamp:
            known = (_read(full) if stamp is not None else None, stamp, now)
        self._kept.pop(path, None)
        self._kept[path] = (known[0], stamp, now)
        if len(self._kept) > _KEPT:
            self._kept.pop(next(iter(self._kept)), None)
        return known[0]


def _stamp(full: str) -> _Stamp:
    try:
        found = os.stat(full)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size


def _read(full: str) -> bytes | None:
    try:
        if not os.path.isfile(full) or os.path.getsize(full) > LARGEST:
            return None
        with open(full, "rb") as file:
            return file.read()
    except (OSError, ValueError):
        return None
