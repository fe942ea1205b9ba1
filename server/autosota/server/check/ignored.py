"""Paths that are left out of a search: `.gitignore` files, and patterns of the settings.

As git does it: the deepest file that says something about a path decides, and in it the last
line. What else git looks at (the user's own excludes) counts where the repository holds it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


@dataclass(frozen=True, slots=True)
class Ignored:
    """Rules that hold below a folder: each with the folder it counts from, outermost first."""

    rules: tuple[tuple[str, GitIgnoreSpec], ...] = ()

    @classmethod
    def above(cls, folder: str) -> Ignored:
        """The rules of the repository around a folder; none if they leave that folder out.

        Whoever names an ignored folder wants it searched.
        """
        chain = [folder]
        while not os.path.exists(os.path.join(chain[-1], ".git")):
            parent = os.path.dirname(chain[-1])
            if parent == chain[-1]:
                return cls()
            chain.append(parent)
        out = cls().within(chain[-1], os.path.join(".git", "info", "exclude"))
        for outer in reversed(chain[1:]):
            out = out.within(outer)
        inner = [f for f in reversed(chain[:-1]) if out.has(f, True)]
        return cls() if inner else out

    def within(self, folder: str, file: str = ".gitignore") -> Ignored:
        """These rules and those of a file in this folder."""
        try:
            path = os.path.join(folder, file)
            if not os.path.isfile(path):  # a pipe would keep us waiting
                return self
            with open(path, encoding="utf-8", errors="replace") as lines:
                return self.also(folder, lines.read().splitlines())
        except OSError:
            return self

    def also(self, folder: str, lines: Sequence[str]) -> Ignored:
        """These rules and some lines that count from this folder."""
        spec = _spec(tuple(lines)) if lines else None
        return self if spec is None else Ignored((*self.rules, (folder, spec)))

    def has(self, path: str, folder: bool = False) -> bool:
        """Whether an absolute path is left out."""
        for base, spec in reversed(self.rules):
            if not path.startswith(base + os.sep):
                continue
            name = path[len(base) + 1 :].replace(os.sep, "/")
            said = spec.check_file(f"{name}/" if folder else name).include
            if said is not None:
                return said
        return False


@lru_cache(maxsize=512)
def _spec(lines: tuple[str, ...]) -> GitIgnoreSpec | None:
    from pathspec import GitIgnoreSpec
    from pathspec.patterns.gitignore import GitIgnorePatternError

    kept = []
    for line in lines:
        try:
            if len(GitIgnoreSpec.from_lines([line])):
                kept.append(line)
        except GitIgnorePatternError:  # git passes over such a line, too
            continue
    return GitIgnoreSpec.from_lines(kept) if kept else None
