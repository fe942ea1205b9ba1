"""What killed processes left behind: their containers and private folders, removed.

A process that ends in order removes what it made. One that was killed cannot, so the next one
of the same user does: labels name the owner of a container, a folder's name that of a folder.
What belongs to a live process is left alone, and so is what cannot be told: a process of
another machine, or of another container on this one. Only what has been over for long is
removed then. Why a container existed is not asked.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from autosota.server.containers.engine import Engine, EngineUnavailable
from autosota.server.containers.labels import OWNER, SCRATCH, USER, alive, owner
from autosota.server.sandbox import disk

PREFIX = "autosota-"
"""What names of private folders begin with; nothing else is ever removed."""

FORGOTTEN_SECONDS = 24 * 3600.0
"""How old the remains of an owner that cannot be asked after must be to be removed."""

_FOLDER = re.compile(rf"{PREFIX}(?P<place>[0-9a-f]{{8}})-(?P<pid>\d+)-(?P<start>\d+)-[0-9a-f]+")
_OVER = ("created", "exited", "dead")


@dataclass(frozen=True, slots=True)
class Reaped:
    """What was removed, and what was left and why.

    Attributes:
        containers: Short ids of containers.
        folders: Private folders.
        left: One line for each thing that should have gone and did not.
    """

    containers: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    left: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not (self.containers or self.folders):
            return "nothing left behind by killed processes"
        told = (f"{len(self.containers)} containers", f"{len(self.folders)} folders")
        return f"removed what killed processes left behind: {' and '.join(told)}"


def private_folder(place: Path | None = None) -> Path:
    """A new folder for this user only, whose name says who owns it.

    Args:
        place: Where; by default the folder for temporary files. A socket in it must be named
            in 107 bytes, so it should be short.

    Raises:
        OSError: it cannot be made.
    """
    top = Path(tempfile.gettempdir() if place is None else place)
    _, pid, start = owner().split(":")
    folder = top / f"{PREFIX}{_here()}-{pid}-{start}-{secrets.token_hex(4)}"
    folder.mkdir(mode=0o700)
    return folder


def reap(engine: Engine | None, place: Path | None = None) -> Reaped:
    """Remove the containers and private folders of this user whose owner is dead.

    Safe at any time and from several processes at once. A container that resists is told of,
    not waited for.

    Args:
        engine: Whose containers; None for the folders only.
        place: Where private folders are; by default the folder for temporary files.

    Raises:
        EngineUnavailable: the engine does not answer.
    """
    containers, folders, left = _reap_containers(engine) if engine is not None else ([], [], [])
    for folder in _orphaned(Path(tempfile.gettempdir() if place is None else place)):
        _remove(folder, folders, left)
    return Reaped(tuple(containers), tuple(folders), tuple(left))


def _reap_containers(engine: Engine) -> tuple[list[str], list[Path], list[str]]:
    removed: list[str] = []
    folders: list[Path] = []
    left: list[str] = []
    with engine.speaking():
        mine = f"{USER}={os.getuid()}"
        listed = engine.client.api.containers(all=True, filters={"label": [OWNER, mine]})
    for found in listed:
        if not _is_orphan(found):
            continue
        name = str(found["Id"])[:12]
        try:
            if why := engine.discard(str(found["Id"])):
                left.append(f"container {name}: {why}")
                continue
        except EngineUnavailable as error:  # the rest would wait as long
            left.append(f"container {name}: {error}")
            break
        removed.append(name)
        scratch = (found.get("Labels") or {}).get(SCRATCH)
        if scratch and _is_private(folder := Path(scratch)):
            _remove(folder, folders, left)
    return removed, folders, left


def _is_orphan(found: Mapping[str, Any]) -> bool:
    """Whether a container's owner is dead, or has not been heard of for long."""
    named = str((found.get("Labels") or {}).get(OWNER, ""))
    if alive(named):
        return False
    if named.partition(":")[0] == owner().partition(":")[0]:
        return True
    over = str(found.get("State", "")).lower() in _OVER
    return over and time.time() - float(found.get("Created") or 0) > FORGOTTEN_SECONDS


def _orphaned(place: Path) -> list[Path]:
    """Private folders whose owner is dead; their containers may be long gone."""
    out = []
    boot = owner().partition(":")[0]
    try:
        names = os.listdir(place)
    except OSError:
        return []
    for name in sorted(names):
        told = _FOLDER.fullmatch(name)
        if told is None or not _is_private(place / name):
            continue
        if told["place"] == _here():
            gone = not alive(f"{boot}:{told['pid']}:{told['start']}")
        else:
            gone = time.time() - (place / name).lstat().st_mtime > FORGOTTEN_SECONDS
        if gone:
            out.append(place / name)
    return out


def _is_private(folder: Path) -> bool:
    """Whether a label or a name may be believed: a real folder of ours, named as ours are."""
    if not (folder.is_absolute() and folder.name.startswith(PREFIX) and ".." not in folder.parts):
        return False
    try:
        told = folder.lstat()
        parent = folder.parent.stat()
    except OSError:
        return False
    mine = told.st_uid == os.getuid() or parent.st_uid == os.getuid()
    return stat.S_ISDIR(told.st_mode) and mine


def _remove(folder: Path, removed: list[Path], left: list[str]) -> None:
    try:
        disk.remove(folder)
    except OSError as error:
        left.append(f"{folder}: {(error.strerror or str(error)).lower()}")
    else:
        removed.append(folder)


def _here() -> str:
    """This boot and process namespace, short enough for a socket's path."""
    return sha256(owner().partition(":")[0].encode()).hexdigest()[:8]
