"""The nouns of starting one command: what it may see, what it may use, how it ended.

Plain data and the stop button. Starting and watching is `launcher.py`'s business.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autosota.agents.domain import Outcome, Resources
from autosota.server.errors import UserError

_UNPRINTABLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or folder of this machine that is seen inside, read-only unless said."""

    source: Path
    target: Path
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Hidden:
    """A path below a mount that must not be seen: an empty folder or an unreadable file."""

    path: Path
    folder: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """What a launch may use; 0 means no limit, but time always has one."""

    wall_seconds: float
    memory_bytes: int = 0
    disk_bytes: int = 0
    output_bytes: int = 64 * 2**20
    processes: int = 2048


@dataclass(frozen=True, slots=True)
class Launch:
    """One command for `/bin/sh -c` and the world it may see.

    `env` is the whole environment. `writable` folders are its own, and what they hold counts
    against the disk limit. `conceal` names folders that must be empty inside even if a system
    folder that is seen holds them.
    """

    command: str
    cwd: Path
    env: Mapping[str, str]
    writable: tuple[Path, ...]
    limits: Limits
    mounts: tuple[Mount, ...] = ()
    hidden: tuple[Hidden, ...] = ()
    conceal: tuple[Path, ...] = ()
    network: bool = False
    gpus: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """How a launch ended. `reason` is one clear line, empty when the outcome is `OK`."""

    outcome: Outcome
    reason: str = ""
    exit_code: int | None = None
    signal: int | None = None
    resources: Resources = field(default_factory=Resources)
    output_bytes: int = 0


class SandboxBroken(UserError):
    """The sandbox could not be set up on this machine; the command never started."""


class Stop:
    """A stop button that wakes the launch of another thread. Once pressed it stays pressed."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._pressed = False

    def press(self) -> None:
        """Stop. May be pressed from any thread, and more than once."""
        self._pressed = True
        with contextlib.suppress(OSError):
            os.write(self._write, b"x")

    @property
    def pressed(self) -> bool:
        """True once pressed."""
        return self._pressed

    def fileno(self) -> int:
        """The descriptor that becomes readable when pressed."""
        return self._read

    def __del__(self) -> None:
        for descriptor in (getattr(self, "_read", -1), getattr(self, "_write", -1)):
            with contextlib.suppress(OSError):
                os.close(descriptor)


def clean(text: str) -> str:
    """Text of a run made fit for one line on a terminal: no control signs, bounded."""
    return _UNPRINTABLE.sub("", text).strip()[:300]
