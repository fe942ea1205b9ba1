"""A source tree held in memory: the smallest thing that is a `Tree`.

Used for candidates before they are committed, and by tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autosota.agents.protocols import Tree


class MemoryTree:
    """A tree from a mapping of path to content."""

    def __init__(self, content: Mapping[str, bytes]) -> None:
        self._content = dict(content)

    def files(self) -> Sequence[str]:
        """All file paths, sorted."""
        return sorted(self._content)

    def read(self, path: str) -> bytes:
        """The content of one file.

        Raises:
            FileNotFoundError: there is no such file in this tree.
        """
        try:
            return self._content[path]
        except KeyError:
            raise FileNotFoundError(path) from None


class PatchedTree:
    """Another tree with some files replaced; None means deleted."""

    def __init__(self, base: Tree, changes: Mapping[str, bytes | None]) -> None:
        self._base = base
        self._changes = dict(changes)

    def files(self) -> Sequence[str]:
        """All file paths, sorted."""
        names = set(self._base.files()) | {p for p, c in self._changes.items() if c is not None}
        return sorted(n for n in names if self._changes.get(n, b"") is not None)

    def read(self, path: str) -> bytes:
        """The content of one file.

        Raises:
            FileNotFoundError: there is no such file in this tree.
        """
        if path in self._changes:
            content = self._changes[path]
            if content is None:
                raise FileNotFoundError(path)
            return content
        return self._base.read(path)
