"""The walls of a container: what runs and kernels share, as arguments of the engine.

Read-only root, no capability, no new privileges, the engine's default seccomp profile, limits
on memory, processors and processes, no network unless asked for, an unprivileged user. What is
mounted is the caller's decision; nothing here speaks to an engine.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

UID_INSIDE = 1000
"""Who code runs as when we are root outside; images have a user of this number."""

_SMALLEST_SHARED = 64 * 2**20


@dataclass(frozen=True, slots=True)
class User:
    """Who the code inside is. `outside` is who its files belong to, out here."""

    uid: int
    gid: int
    outside: tuple[int, int]

    @property
    def name(self) -> str:
        """As the engine takes it."""
        return f"{self.uid}:{self.gid}"


def user(*, rootless: bool) -> User:
    """Who code runs as: never root of this machine.

    With an engine of its own a user is root inside, which is the user outside. With the
    system's engine it is the user's own number, or `UID_INSIDE` when we are root ourselves;
    folders it may write then have to be given to `outside`.
    """
    me = (os.getuid(), os.getgid())
    if rootless:
        return User(0, 0, me)
    if me[0] == 0:
        return User(UID_INSIDE, UID_INSIDE, (UID_INSIDE, UID_INSIDE))
    return User(*me, me)


def walls(
    who: User,
    *,
    memory_bytes: int = 0,
    cpus: float = 0.0,
    processes: int = 2048,
    shared_bytes: int = 0,
    network: bool = False,
) -> dict[str, Any]:
    """Arguments of `containers.create` for untrusted code.

    Args:
        who: The user inside.
        memory_bytes: The most memory, swap included; 0 is no limit.
        cpus: The share of processors; 0 is no limit.
        processes: The most processes and threads at once.
        shared_bytes: `/dev/shm`, which data loaders use; 0 takes half of the memory.
        network: Whether there is one; else only the loopback device of its own.
    """
    from docker.types import Ulimit

    half = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    shared = shared_bytes or min(memory_bytes or half, half)
    out: dict[str, Any] = {
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "pids_limit": processes,
        "ipc_mode": "private",
        "shm_size": max(shared, _SMALLEST_SHARED),
        "network_mode": "bridge" if network else "none",
        "user": who.name,
        # the number of open files stays the engine's: asking for more than it may give fails
        "ulimits": [Ulimit(name="core", soft=0, hard=0)],
        "stdin_open": False,
        "tty": False,
        "privileged": False,
        "hostname": "autosota",
        "oom_score_adj": 500,  # when the machine runs out of memory, experiments go first
    }
    if memory_bytes:
        out["mem_limit"] = out["memswap_limit"] = memory_bytes
    if cpus:
        out["nano_cpus"] = int(cpus * 1e9)
    return out
