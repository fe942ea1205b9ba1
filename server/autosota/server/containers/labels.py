"""What every container of ours says of itself, and who owns it.

A container outlives the process that made it when that process is killed. Its labels tell any
later process of the same user whether the owner still lives: a process is named by the boot of
the machine, its number and the tick it started at, so a number that was given out again is not
mistaken for it. Nothing here speaks to an engine.
"""

from __future__ import annotations

import os
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

ROLE = "autosota.role"
OWNER = "autosota.owner"
USER = "autosota.user"
SCRATCH = "autosota.scratch"
"""The private folder on this machine that goes away with the container; may be missing."""

WORKSPACE = "autosota.workspace"
RUN = "autosota.run"
INPUTS = "autosota.inputs"
"""On images: the hash of what they were built from."""


class Role(StrEnum):
    """Why a container exists."""

    RUN = "run"
    KERNEL = "kernel"
    POOL = "pool"
    ATTACHED = "attached"
    PROBE = "probe"
    BUILD = "build"
    """Written by `image/Dockerfile`, on what the engine makes while it builds."""


def labels(
    role: Role, *, scratch: Path | None = None, workspace: Path | None = None
) -> dict[str, str]:
    """The labels of a container that this process owns."""
    out = {ROLE: str(role), OWNER: owner(), USER: str(os.getuid())}
    if scratch is not None:
        out[SCRATCH] = str(scratch)
    if workspace is not None:
        out[WORKSPACE] = str(workspace)
    return out


def owner(pid: int | None = None) -> str:
    """`<boot>:<pid>:<start>` of a process, by default this one.

    Raises:
        ProcessLookupError: there is no such process.
    """
    number = os.getpid() if pid is None else pid
    start = _started(number)
    if start is None:
        raise ProcessLookupError(number)
    return f"{_boot()}:{number}:{start}"


def alive(owner: str) -> bool | None:
    """Whether the process that a label names still runs; None when the label names none."""
    boot, _, rest = owner.partition(":")
    number, _, start = rest.partition(":")
    if not (boot and number.isdigit() and start.isdigit()):
        return None
    return boot == _boot() and _started(int(number)) == int(start)


@lru_cache(maxsize=1)
def _boot() -> str:
    """This boot of this machine, and the namespace that process numbers are counted in.

    In a container the boot is the host's, but the numbers are not.
    """
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}.{os.stat('/proc/self/ns/pid').st_ino}"


def _started(pid: int) -> int | None:
    """When a live process began, in clock ticks since boot; None without one."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])
