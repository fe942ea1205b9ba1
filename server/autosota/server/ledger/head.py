"""`ledger.head`: the number and hash of the last row, kept outside the database.

With it, rows that somebody removed at the end are missed. It also is the lock that writers
queue on. Knows nothing of what the rows hold.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from autosota.server.errors import UserError
from autosota.server.ledger.codec import GENESIS
from autosota.server.ledger.errors import BUSY_SECONDS

_LINE = re.compile(rb"([0-9]{20}) ([0-9a-f]{64})\n")


class Position(NamedTuple):
    """A row of the chain: its number and its hash."""

    n: int
    hash: str


START = Position(0, GENESIS)
"""Before the first row."""


def read_head(path: Path) -> Position | None:
    """The position that a head file holds; None when there is none.

    Raises:
        ValueError: the file is damaged.
    """
    try:
        return _parse(path.read_bytes())
    except FileNotFoundError:
        return None


class LockedHead:
    """The head file while this process holds its lock."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self) -> Position:
        """The position in it; the start in a new file.

        Raises:
            ValueError: the file is damaged.
        """
        return _parse(os.pread(self._descriptor, 4096, 0))

    def write(self, position: Position) -> None:
        """Move the head. One write of fixed length, so that a kill leaves the old or the new."""
        os.pwrite(self._descriptor, b"%020d %b\n" % (position.n, position.hash.encode()), 0)


@contextmanager
def locked(path: Path, busy: float = BUSY_SECONDS) -> Iterator[LockedHead]:
    """Hold the lock of writers; the kernel frees it when the process dies.

    Raises:
        UserError: another process held it for longer than `busy` seconds.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        deadline = time.monotonic() + busy
        pause = 0.0005
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise UserError(
                        f"{path}: another process kept the ledger locked for more than "
                        f"{busy:.0f} s; end that process or try again"
                    ) from None
            time.sleep(pause)
            pause = min(pause * 2, 0.05)
        yield LockedHead(descriptor)
    finally:
        os.close(descriptor)


def _parse(content: bytes) -> Position:
    if not content:
        return START  # just created, or its first writer was killed
    found = _LINE.fullmatch(content)
    if found is None:
        raise ValueError("not the number and hash of a row")
    return Position(int(found[1]), found[2].decode())
