"""Where a workspace begins, and the folder in it that holds our state.

One answer for every face (design, "Workspace root"). What the objective says is not known
here: only that a file holds one.
"""

from __future__ import annotations

import errno
import os
import re
import tomllib
from pathlib import Path

from autosota.server.errors import UserError

STATE = ".autosota"
"""The folder of a workspace that holds ledger, runs and store."""

CHECK = "check"
"""The table in `[tool.autosota]` that holds the settings of `autosota check`, no objective."""

_TABLE = re.compile(rb"^\s*\[+\s*tool\s*\.\s*autosota\b(?!\s*\.\s*check\b)", re.MULTILINE)


def find_root(start: Path) -> Path:
    """The workspace that a file or folder belongs to.

    The nearest ancestor with an objective, else the git top level, else the folder itself.

    Raises:
        UserError: `start` does not exist.
    """
    folder = Path(os.path.realpath(start))
    if not os.path.exists(folder):
        raise UserError(f"{start}: there is no such file or folder; name an existing one")
    if not folder.is_dir():
        folder = folder.parent
    for ancestor in (folder, *folder.parents):
        if has_objective(ancestor):
            return ancestor
    return git_top(folder) or folder


def has_objective(folder: Path) -> bool:
    """True when `autosota.toml` or a `[tool.autosota]` table in pyproject.toml is here."""
    if os.path.isfile(folder / "autosota.toml"):
        return True
    try:
        content = (folder / "pyproject.toml").read_bytes()
    except OSError:
        return False
    try:
        tool = tomllib.loads(content.decode("utf-8")).get("tool", {})
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        # A broken file that meant to hold the objective is the objective: whoever reads it
        # next says what is wrong, instead of us silently moving to another folder.
        return _TABLE.search(content) is not None
    return holds_objective(tool)


def holds_objective(tool: object) -> bool:
    """Whether the table `tool` of a pyproject.toml has ours, with more than the check's part."""
    ours = tool.get("autosota") if isinstance(tool, dict) else None
    return ours is not None and not (isinstance(ours, dict) and set(ours) == {CHECK})


def git_top(folder: Path) -> Path | None:
    """The nearest ancestor (or the folder) that is the top of a git working tree.

    Found by looking, not by asking git: git refuses folders that another user owns.
    """
    return next((a for a in (folder, *folder.parents) if is_git_top(a)), None)


def is_git_top(folder: Path) -> bool:
    """True when `.git` here is a repository, or the file of a worktree or submodule."""
    mark = folder / ".git"
    try:
        if mark.is_dir():
            return (mark / "HEAD").is_file() or (mark / "HEAD").is_symlink()
        return mark.is_file() and mark.read_bytes()[:8] == b"gitdir: "
    except OSError:
        return False


def state_dir(root: Path) -> Path:
    """The state folder of a workspace. It may not exist yet; see `prepare_state`."""
    return root / STATE


def prepare_state(root: Path) -> Path:
    """Create the state folder, hidden from git by a `.gitignore` inside it.

    Raises:
        UserError: the workspace is read-only, the disk is full, or a file is in the way.
    """
    state = state_dir(root)
    ignore = state / ".gitignore"
    try:
        if state.is_symlink() or (state.exists() and not state.is_dir()):
            raise UserError(f"{state} is not a folder; AutoSOTA keeps its state there: move it")
        state.mkdir(exist_ok=True)
        if not ignore.exists():
            ignore.write_text("*\n", encoding="ascii")
        if not os.access(state, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise storage_error(state, error) from error
    return state


def storage_error(path: Path, error: OSError) -> UserError:
    """What to tell a person when a write of ours failed: the place, the reason, the way out."""
    reason = error.strerror or str(error)
    way_out = {
        errno.ENOSPC: "free some disk space",
        errno.EDQUOT: "free some of your disk quota",
        errno.EROFS: "work on a writable copy of the repository",
        errno.EACCES: "make the folder writable for you, or work on a copy of the repository",
        errno.EPERM: "make the folder writable for you, or work on a copy of the repository",
    }.get(error.errno or 0, "check the disk")
    return UserError(f"cannot write {path}: {reason.lower()}; {way_out}")
