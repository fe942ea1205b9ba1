"""A folder on disk as a `Tree` for reading: bounded, and without what is nobody's experiment.

Skips repositories' insides, virtual environments and caches, and never follows linked folders.
Bounds are on names and bytes, so that a folder of a million images is listed quickly and not
read. What the files mean is not known here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from autosota.server.errors import UserError
from autosota.server.workspace.root import STATE

READ_BYTES = 1 << 20
MOST_FILES = 20_000
MOST_IN_FOLDER = 2_000
MOST_DEEP = 12

_SKIPPED = frozenset(
    {
        STATE, ".git", ".hg", ".svn", "__pycache__", "node_modules", "site-packages", "venv",
        "env", ".venv", ".env", ".tox", ".nox", ".mypy_cache", ".ruff_cache", ".pytest_cache",
        ".ipynb_checkpoints", ".eggs", "wandb", "mlruns",
    }
)  # fmt: skip


class FolderTree:
    """The files below a folder, as they are now.

    `cut` is true when there was more than the bounds allow; `unreadable` names files that
    could not be opened and count as empty.

    Raises:
        UserError: the folder does not exist, is a file, or cannot be listed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cut = False
        self.unreadable: list[str] = []
        if not root.exists():
            raise UserError(f"{root}: there is no such folder; name the repository's folder")
        if not root.is_dir():
            raise UserError(f"{root} is a file; name the folder of the repository")
        self._files = sorted(self._list())

    def files(self) -> Sequence[str]:
        """All file paths, sorted."""
        return self._files

    def read(self, path: str) -> bytes:
        """The first mebibyte of one file.

        Raises:
            FileNotFoundError: there is no such file in this tree.
        """
        try:
            with open(self.root / path, "rb") as file:
                return file.read(READ_BYTES)
        except FileNotFoundError:
            raise
        except OSError:
            self.unreadable.append(path)
            return b""

    def _list(self) -> list[str]:
        found: list[str] = []
        # Breadth first: what is cut off is what lies deepest.
        level = [""]
        for _ in range(MOST_DEEP):
            below: list[str] = []
            for folder in level:
                below += self._one(folder, found)
            level = below
        self.cut = self.cut or bool(level)
        return found

    def _one(self, folder: str, found: list[str]) -> list[str]:
        """Add the files of one folder; the folders in it."""
        try:
            with os.scandir(self.root / folder) as entries:
                listed = sorted(entries, key=lambda e: e.name)
        except OSError as error:
            if not folder:
                reason = (error.strerror or str(error)).lower()
                raise UserError(
                    f"cannot read the folder {self.root}: {reason}; make it readable for you"
                ) from error
            self.unreadable.append(folder)
            return []
        below: list[str] = []
        count = 0
        for entry in listed:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                inside = Path(entry.path)
                if entry.name not in _SKIPPED and not (inside / "pyvenv.cfg").exists():
                    below.append(path)
            elif entry.is_file():
                count += 1
                if count > MOST_IN_FOLDER or len(found) >= MOST_FILES:
                    self.cut = True
                    continue
                found.append(path)
        return below
