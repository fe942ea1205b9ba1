"""A workspace as a `Tree` while it is edited: files on disk, with open texts over them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from autosota.agents.protocols import Tree

LARGEST = 1 << 20


class Edited:
    """Some files of a folder, with the texts of open documents over them."""

    def __init__(self, root: str, files: Sequence[str], texts: Mapping[str, bytes]) -> None:
        """`texts` holds what is open, by path from the root."""
        self._root = root
        self._texts = texts
        self._read: dict[str, bytes] = {}
        self._files = tuple(sorted({*files, *texts}))

    def files(self) -> Sequence[str]:
        """All file paths, sorted."""
        return self._files

    def read(self, path: str) -> bytes:
        """The content of one file.

        Raises:
            FileNotFoundError: there is no such file in this tree.
        """
        text = self._texts.get(path)
        if text is not None:
            return text
        if path not in self._read:
            if path not in self._files:
                raise FileNotFoundError(path)
            try:
                with open(os.path.join(self._root, path), "rb") as file:
                    self._read[path] = file.read(LARGEST)
            except OSError:
                raise FileNotFoundError(path) from None
        return self._read[path]


class Changed:
    """A tree with some files replaced."""

    def __init__(self, tree: Tree, changes: Mapping[str, bytes]) -> None:
        self._tree = tree
        self._changes = changes

    def files(self) -> Sequence[str]:
        """All file paths, sorted."""
        return tuple(sorted({*self._tree.files(), *self._changes}))

    def read(self, path: str) -> bytes:
        """The content of one file.

        Raises:
            FileNotFoundError: there is no such file in this tree.
        """
        return self._changes[path] if path in self._changes else self._tree.read(path)
