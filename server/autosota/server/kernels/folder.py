"""Which folder of this machine a kernel sees, and what in it stays out of its reach.

A kernel sees the workspace that its notebook lies in, at the same path as outside, and nothing
else. Folders that hold a person's keys or the system are no workspaces. In a workspace the git
folder and the objective can be read but not written, since both decide what happens outside
(hooks, settings that start programs; what counts as a gain), and our own state is not there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from autosota.server.errors import UserError
from autosota.server.kernels.options import NO_WORKSPACE, Options
from autosota.server.workspace.root import STATE, find_root

ELSEWHERE = "/tmp"
"""Where a kernel without a workspace starts."""

_SYSTEM = (
    *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/opt", "/proc", "/root", "/run"),
    *("/sbin", "/srv", "/sys", "/tmp", "/usr", "/var", "/var/run", "/var/tmp", "/home", "/mnt"),
)
_READ_ONLY = (".git", "autosota.toml")


@dataclass(frozen=True, slots=True)
class Bind:
    """A file or folder that is mounted."""

    source: Path
    target: Path
    writable: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What a kernel sees of this machine.

    Attributes:
        workspace: The workspace; None for none.
        cwd: Where the kernel starts, the same inside and outside.
        binds: What is mounted, parents before children.
        hidden: Folders that are empty inside.
    """

    workspace: Path | None
    cwd: str
    binds: tuple[Bind, ...] = ()
    hidden: tuple[Path, ...] = ()


def seen(options: Options, cwd: Path, home: Path | None = None) -> Seen:
    """What the kernel of a notebook sees.

    Args:
        options: Of the kernelspec.
        cwd: The folder that the notebook lies in.
        home: The user's; for tests.

    Raises:
        UserError: the folder does not exist, or it is none to be mounted.
    """
    extra = tuple(Bind(m.source, m.target, m.writable) for m in options.mounts)
    if options.workspace == NO_WORKSPACE:
        return Seen(None, ELSEWHERE, extra)
    given = Path(os.path.abspath(cwd))
    here = Path(os.path.realpath(given))
    user = Path(os.path.realpath(home or Path.home()))
    root = _explicit(Path(options.workspace)) if options.workspace else find_root(here)
    if why := _broad(root, user):
        if options.workspace or root == here or _broad(here, user):
            raise UserError(
                f"{root}: {why}, so it is not mounted into a kernel; keep the notebook in a folder "
                "of its own, or set `workspace` in the kernel.json to a folder or to 'none'"
            )
        root = here
    inside = here.is_relative_to(root)
    binds = [Bind(root, root, True)]
    places = [root]
    if inside and (alias := _alias(given, here, root)) is not None:
        binds.append(Bind(root, alias, True))
        places.append(alias)
    hidden = []
    for place in places:
        for name in _READ_ONLY:
            path = root / name
            if path.exists() and not path.is_symlink():
                binds.append(Bind(path, place / name, False))
        state = root / STATE
        if state.is_dir() and not state.is_symlink():
            hidden.append(place / STATE)
    return Seen(root, str(given if inside else root), (*binds, *extra), tuple(hidden))


def _explicit(path: Path) -> Path:
    if not path.is_dir():
        raise UserError(f"{path}: no such folder; set `workspace` in the kernel.json to one")
    return Path(os.path.realpath(path))


def _alias(given: Path, here: Path, root: Path) -> Path | None:
    """The workspace by the name the user knows it by, when links lead to it."""
    below = here.relative_to(root).parts
    if given == here or given.parts[len(given.parts) - len(below) :] != below:
        return None
    alias = Path(*given.parts[: len(given.parts) - len(below)])
    return alias if alias != root and Path(os.path.realpath(alias)) == root else None


def _broad(folder: Path, home: Path) -> str:
    """Why a folder is too much to be mounted; empty when it is not."""
    if folder == home:
        return "this is your home folder, which holds keys"
    if home.is_relative_to(folder):
        return "it holds your home folder"
    if str(folder) in _SYSTEM or any(folder.is_relative_to(p) for p in ("/proc", "/sys", "/dev")):
        return "this is a folder of the system"
    return ""
