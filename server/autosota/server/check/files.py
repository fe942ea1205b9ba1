"""Which files a check reads: scripts and notebooks below the paths given.

Folders are walked in order, without what version control ignores and without environments;
links to folders are not followed, so a loop of links cannot hold the walk. What is in a file is
not known here.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from autosota.server.check.ignored import Ignored
from autosota.server.check.site import Site, has_settings, site_of
from autosota.server.errors import UserError

SUFFIXES = (".py", ".pyw", ".ipynb")
NEVER = frozenset(
    {
        *(".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox"),
        *(".mypy_cache", ".ruff_cache", ".pytest_cache", ".ipynb_checkpoints", ".eggs"),
        *("build", "dist", ".autosota", "site-packages"),
    }
)
"""Folders that a search does not enter; the one that was named is searched whatever its name."""
_MARKS = frozenset(("pyproject.toml", "autosota.toml", ".git"))

Exclude = Callable[[Site], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Source:
    """A file to check.

    Attributes:
        path: Where it is, absolute.
        shown: How a person would write it here.
        site: The workspace and the settings that govern it.
        problem: Why it cannot be read, when that is known already.
    """

    path: str
    shown: str
    site: Site
    problem: str = ""

    @property
    def name(self) -> str:
        """Its path from the workspace's root, with forward slashes."""
        return self.site.name_of(self.path)


def find(paths: Sequence[str], exclude: Exclude = lambda site: ()) -> list[Source]:
    """The files below these paths, each once, in a fixed order.

    A file that is named is taken whatever its suffix; a folder is searched. `exclude` gives the
    patterns (as in a .gitignore) that a site's settings leave out of a search.

    Raises:
        UserError: a path does not exist, or is no file and no folder.
    """
    site_of.cache_clear()
    has_settings.cache_clear()
    found: dict[str, Source] = {}
    for path in paths:
        try:
            mode = os.stat(path).st_mode
        except FileNotFoundError:
            raise UserError(f"{path}: no such file or folder{_near(path)}") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UserError(f"{path}: {reason}".replace("\0", "\\0")) from None
        if stat.S_ISDIR(mode):
            sources = _Walk(path, exclude).sources()
        elif stat.S_ISREG(mode):
            sources = iter((_named(path),))
        else:
            raise UserError(f"{path}: neither a file nor a folder")
        for source in sources:
            found.setdefault(source.path, source)
    return list(found.values())


def shown_as(path: str) -> str:
    """A path as a person who stands in the current folder would write it, if it is below."""
    here = os.getcwd()
    if path.startswith(here + os.sep):
        return path[len(here) + 1 :]
    return path


def _named(path: str) -> Source:
    folder, name = os.path.split(path)
    folder = os.path.realpath(folder or os.curdir)
    return Source(os.path.join(folder, name), _tidy(path), site_of(folder))


def _tidy(path: str) -> str:
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    return shown_as(path or ".")


def _near(path: str) -> str:
    folder, name = os.path.split(path.rstrip(os.sep))
    try:
        names = sorted(os.listdir(folder or os.curdir))
    except OSError:
        return ""
    near = get_close_matches(name, names, n=1)
    return f"; did you mean '{os.path.join(folder, near[0])}'?" if near else ""


class _Walk:
    """One search below a folder."""

    def __init__(self, start: str, exclude: Exclude) -> None:
        self.start = os.path.realpath(start)
        shown = _tidy(start).rstrip("/")
        self.shown = "" if shown == "." else f"{shown or ''}/"
        self.exclude = exclude

    def sources(self) -> Iterator[Source]:
        """The files, in the order of their names."""
        ignored = Ignored.above(self.start)
        yield from self._below(self.start, "", site_of(self.start), ignored)

    def _below(self, folder: str, inner: str, site: Site, ignored: Ignored) -> Iterator[Source]:
        try:
            with os.scandir(folder) as listed:
                entries = sorted(listed, key=lambda e: e.name)
        except OSError as error:
            why = f"the folder cannot be read: {(error.strerror or str(error)).lower()}"
            yield Source(folder, f"{self.shown}{inner}".rstrip("/") or ".", site, why)
            return
        names = {e.name for e in entries}
        if inner and names & _MARKS:
            site = site_of(folder)
        if ".gitignore" in names:
            ignored = ignored.within(folder)
        unwanted = ignored.also(site.settings_folder, self.exclude(site))
        for entry in entries:
            try:
                is_folder = entry.is_dir(follow_symlinks=False)
                if is_folder:
                    if entry.name in NEVER:
                        continue
                elif not entry.name.endswith(SUFFIXES) or not entry.is_file():
                    continue
            except OSError:
                continue
            if unwanted.has(entry.path, is_folder):
                continue
            if not is_folder:
                yield Source(entry.path, f"{self.shown}{inner}{entry.name}", site)
            elif not os.path.exists(os.path.join(entry.path, "pyvenv.cfg")):
                yield from self._below(entry.path, f"{inner}{entry.name}/", site, ignored)
