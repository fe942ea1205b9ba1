"""Which files a check reads: scripts and notebooks below the paths given.

Folders are walked in order, without what version control ignores and without environments;
links to folders are not followed, so a loop of links cannot hold the walk.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from pathspec import GitIgnoreSpec

from autosota.server.errors import UserError

SUFFIXES = (".py", ".pyw", ".ipynb")
_NEVER = frozenset(
    {
        *(".git", ".hg", ".svn", ".venv", "venv", "env", "node_modules", "__pycache__", ".tox"),
        *(".nox", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".ipynb_checkpoints", ".eggs"),
        *("build", "dist", ".autosota", "site-packages"),
    }
)


@dataclass(frozen=True, slots=True)
class Source:
    """A file to check: where it is, and how it is called in what is said."""

    path: Path
    shown: str


def find(paths: Sequence[Path], exclude: Sequence[str] = ()) -> list[Source]:
    """The files below these paths, each once, in a fixed order.

    A file that is named is taken whatever its suffix; a folder is searched.

    Raises:
        UserError: a path does not exist, or is no file and no folder.
    """
    unwanted = GitIgnoreSpec.from_lines(exclude)
    found: dict[Path, Source] = {}
    for path in paths:
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            raise UserError(f"{path}: no such file or folder{_near(path)}") from None
        except OSError as error:
            raise UserError(f"{path}: {error.strerror or error}") from None
        if stat.S_ISDIR(mode):
            sources = _below(path, unwanted)
        elif stat.S_ISREG(mode):
            sources = iter((Source(path, _shown(path)),))
        else:
            raise UserError(f"{path}: neither a file nor a folder")
        for source in sources:
            found.setdefault(Path(os.path.abspath(source.path)), source)
    return list(found.values())


def _near(path: Path) -> str:
    try:
        names = sorted(p.name for p in path.parent.iterdir())
    except OSError:
        return ""
    near = get_close_matches(path.name, names, n=1)
    return f"; did you mean '{path.parent / near[0]}'?" if near else ""


def _shown(path: Path) -> str:
    """Relative to where one stands, if it is below; with forward slashes."""
    text = path.as_posix()
    if path.is_absolute():
        here = os.getcwd()
        if text.startswith(here + "/"):
            text = text[len(here) + 1 :]
    return text


def _below(folder: Path, unwanted: GitIgnoreSpec) -> Iterator[Source]:
    ignored: list[tuple[str, GitIgnoreSpec]] = _above(folder)
    start = folder.as_posix()

    def walk(here: str, rules: list[tuple[str, GitIgnoreSpec]]) -> Iterator[Source]:
        try:
            entries = sorted(os.scandir(here), key=lambda e: e.name)
        except OSError:
            return
        if any(e.name == ".gitignore" for e in entries):
            rules = [*rules, *_ignore_file(here)]
        for entry in entries:
            path = os.path.join(here, entry.name)
            relative = os.path.relpath(path, start)
            try:
                is_folder = entry.is_dir(follow_symlinks=False)
                is_file = not is_folder and entry.is_file()
            except OSError:
                continue
            name = f"{relative}/" if is_folder else relative
            if unwanted.match_file(name) or _is_ignored(path, is_folder, rules):
                continue
            if is_folder:
                if entry.name not in _NEVER and not _is_environment(path):
                    yield from walk(path, rules)
            elif is_file and entry.name.endswith(SUFFIXES):
                found = Path(path)
                yield Source(found, _shown(found))

    yield from walk(str(folder), ignored)


def _is_environment(folder: str) -> bool:
    return os.path.exists(os.path.join(folder, "pyvenv.cfg"))


def _above(folder: Path) -> list[tuple[str, GitIgnoreSpec]]:
    """The ignore files between the top of a repository and a folder in it."""
    chain = [folder.resolve(), *folder.resolve().parents]
    top = next((i for i, p in enumerate(chain) if (p / ".git").exists()), None)
    if top is None:
        return []
    return [rule for p in reversed(chain[1 : top + 1]) for rule in _ignore_file(str(p))]


def _ignore_file(folder: str) -> list[tuple[str, GitIgnoreSpec]]:
    try:
        with open(os.path.join(folder, ".gitignore"), encoding="utf-8", errors="replace") as file:
            return [(os.path.abspath(folder), GitIgnoreSpec.from_lines(file))]
    except OSError:
        return []


def _is_ignored(path: str, folder: bool, rules: list[tuple[str, GitIgnoreSpec]]) -> bool:
    if not rules:
        return False
    full = os.path.abspath(path)
    for base, spec in rules:
        relative = os.path.relpath(full, base)
        if spec.match_file(f"{relative}/" if folder else relative):
            return True
    return False
