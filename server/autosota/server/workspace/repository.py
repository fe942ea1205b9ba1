"""The user's repository, read only: its folders, its head and the few settings we honour.

Nothing here starts a git command that writes, refreshes an index or runs a configured
program.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from autosota.server.errors import UserError
from autosota.server.workspace.git import Git


@dataclass(frozen=True, slots=True)
class Repository:
    """A git working tree: `top` is its folder; `git_dir` its own, `common_dir` the shared one."""

    top: Path
    git_dir: Path
    common_dir: Path
    object_format: str

    @property
    def index(self) -> Path:
        """The file of its index (it may not exist)."""
        return self.git_dir / "index"

    def head(self) -> str | None:
        """The commit that is checked out; None before the first one."""
        return self.resolve("HEAD")

    def resolve(self, revision: str) -> str | None:
        """The full id of the commit that a revision names; None when there is none."""
        if revision.startswith("-"):
            return None
        code, out, _ = Git(self.git_dir).attempt(
            "rev-parse", "--verify", "--quiet", revision + "^{commit}"
        )
        return out.decode("ascii").strip() if code == 0 else None

    def object_dirs(self) -> list[Path]:
        """Its folder of objects and all that it borrows from, nearest first."""
        return borrowed_chain(self.common_dir / "objects")

    def settings(self) -> dict[str, str]:
        """Its `core.fileMode` and `core.excludesFile`, also from the user's own configuration."""
        _, out, _ = Git(self.git_dir, keep_home=True).attempt(
            "config", "-z", "--get-regexp", r"^core\.(filemode|excludesfile)$"
        )
        pairs = (item.partition("\n") for item in os.fsdecode(out).split("\0") if item)
        return {name.lower(): value for name, _, value in pairs}

    def exclude_files(self) -> list[Path]:
        """The files of ignore patterns outside the working tree, the weakest first."""
        named = self.settings().get("core.excludesfile")
        if named is not None:
            general = Path(self.top, os.path.expanduser(named))
        else:
            home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
            general = Path(home, "git", "ignore")
        files = (general, self.common_dir / "info" / "exclude")
        return [f for f in files if os.path.isfile(f) and os.access(f, os.R_OK)]


def open_repository(top: Path) -> Repository:
    """The repository whose working tree has its top here.

    Raises:
        UserError: `.git` points nowhere, or git cannot read the repository.
    """
    git_dir = _git_dir(top)
    code, out, err = Git(git_dir).attempt("rev-parse", "--git-common-dir", "--show-object-format")
    lines = os.fsdecode(out).splitlines()
    if code != 0 or len(lines) < 2:
        reason = os.fsdecode(err).strip().splitlines()[:1] or ["not a repository"]
        raise UserError(
            f"git cannot read {git_dir}: {reason[0].removeprefix('fatal: ')}; "
            "repair it ('git fsck'), or move .git away"
        )
    common = Path(os.path.realpath(git_dir / "\n".join(lines[:-1])))
    return Repository(top, git_dir, common, lines[-1])


def _git_dir(top: Path) -> Path:
    mark = top / ".git"
    if mark.is_dir():
        return Path(os.path.realpath(mark))
    target = os.fsdecode(mark.read_bytes()).removeprefix("gitdir: ").rstrip("\r\n")
    git_dir = Path(os.path.realpath(top / target))
    if not git_dir.is_dir():
        raise UserError(
            f"{mark} points to {git_dir}, which is not there; "
            "run 'git worktree repair' or 'git submodule update'"
        )
    return git_dir


def borrowed_chain(objects: Path) -> list[Path]:
    """A folder of objects and, flat, all that it borrows from through `info/alternates`.

    Flat because git follows at most five steps, and ours would be one more.
    """
    chain: list[Path] = []
    waiting = [objects]
    while waiting:
        current = Path(os.path.realpath(waiting.pop(0)))
        if current in chain or not current.is_dir():
            continue
        chain.append(current)
        try:
            lines = os.fsdecode((current / "info" / "alternates").read_bytes()).split("\n")
        except OSError:
            continue
        waiting += [current / line for line in lines if line and not line.startswith("#")]
    return chain
