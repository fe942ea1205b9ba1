"""Exactly one driver per campaign: a lease in the ledger, kept by a heartbeat.

On one machine a dead driver is seen at once, by its process; from another machine or
container only by its silence. Knows nothing of what a driver does.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
import time
import uuid
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType

import psutil

from autosota.server.errors import UserError
from autosota.server.ledger.database import connect, transaction
from autosota.server.ledger.errors import LeaseHeld, LeaseLost, plain_errors
from autosota.server.ledger.store import Ledger

HEARTBEAT_SECONDS = 5.0
"""How often a driver says that it is there."""

SILENCE_SECONDS = 60.0
"""After how long without a heartbeat a driver that cannot be looked at counts as dead."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who drives a campaign.

    `process_started` tells apart two processes of one number; `heartbeat` is in seconds since
    the epoch.
    """

    pid: int
    process_started: float
    host: str
    boot: str
    heartbeat: float

    def alive(self, silence: float = SILENCE_SECONDS) -> bool:
        """Whether it can still be driving."""
        here = this_process()
        if (self.host, self.boot) == (here.host, here.boot):
            return _runs(self.pid, self.process_started)
        # Either side: a clock that was set back must not keep a dead driver alive for ever.
        return abs(time.time() - self.heartbeat) <= silence


class Lease:
    """The right to drive one campaign; a context manager that gives it back.

    Appending through the ledger it was acquired with is refused once it is lost.
    """

    def __init__(self, ledger: Ledger, campaign: str, token: str, heartbeat: float) -> None:
        self.campaign = campaign
        self.token = token
        self._ledger = ledger
        self._heartbeat = heartbeat
        self._lost = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease-{campaign}", daemon=True)

    @classmethod
    def acquire(
        cls,
        ledger: Ledger,
        campaign: str,
        *,
        heartbeat: float = HEARTBEAT_SECONDS,
        silence: float = SILENCE_SECONDS,
    ) -> Lease:
        """Take the lease of a campaign, also from a dead driver.

        Raises:
            LeaseHeld: another process drives it; names its pid.
        """
        token = uuid.uuid4().hex
        me = this_process()
        row = (campaign, token, me.pid, me.process_started, me.host, me.boot, time.time())
        with (
            plain_errors(ledger.path),
            closing(connect(ledger.path)) as connection,
            transaction(connection),
        ):
            other = _holder(connection, campaign)
            if other is not None and other.alive(silence):
                raise LeaseHeld(campaign, other.pid, other.host)
            connection.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        lease = cls(ledger, campaign, token, heartbeat)
        ledger.fence(campaign, token)
        lease._thread.start()
        return lease

    @staticmethod
    def holder(path: Path, campaign: str) -> Holder | None:
        """The live driver of a campaign; None when nobody drives it. For faces."""
        with plain_errors(path), closing(connect(path, read_only=True)) as connection:
            holder = _holder(connection, campaign)
        return holder if holder is not None and holder.alive() else None

    @property
    def lost(self) -> bool:
        """True once another process has taken the campaign over."""
        return self._lost.is_set()

    def check(self) -> None:
        """Do nothing while the lease is held.

        Raises:
            LeaseLost: it is not any more.
        """
        if self.lost:
            raise LeaseLost(self.campaign)

    def release(self) -> None:
        """Give the lease back; twice is fine."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._ledger.fence(self.campaign, None)
        with plain_errors(self._ledger.path), closing(connect(self._ledger.path)) as connection:
            connection.execute("DELETE FROM leases WHERE token = ?", (self.token,))

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.release()
        except UserError:
            if error is None:
                raise  # else the first error is the one to be seen

    def _keep(self) -> None:
        """Until the end: one heartbeat after the other, in a thread of its own."""
        connection: sqlite3.Connection | None = None
        try:
            while not self._end.wait(self._heartbeat):
                try:
                    if connection is None:
                        connection = connect(self._ledger.path, busy=self._heartbeat)
                    kept = connection.execute(
                        "UPDATE leases SET heartbeat = ? WHERE campaign = ? AND token = ?",
                        (time.time(), self.campaign, self.token),
                    ).rowcount
                except (sqlite3.Error, OSError, UserError):
                    # Busy or a full disk: the next one may get through. If none does, others
                    # see silence, take over, and the fence stops this process.
                    continue
                if not kept:
                    self._lost.set()
                    return
        finally:
            if connection is not None:
                connection.close()


@cache
def _this_process(pid: int) -> Holder:
    return Holder(pid, _started(pid), socket.gethostname(), _boot(), time.time())


def this_process() -> Holder:
    """This process, as a holder."""
    return _this_process(os.getpid())


def _boot() -> str:
    """What a pid is unique in: this boot of the kernel and this namespace of pids."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:  # no /proc: the time of the boot is as good, to the second
        return f"{psutil.boot_time():.0f}"


def _started(pid: int) -> float:
    """When a process started, in a measure that setting the clock does not move."""
    try:
        # Linux: ticks since the boot. The name before it may hold spaces and brackets.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return float(fields[19])
    except (OSError, IndexError, ValueError):
        return psutil.Process(pid).create_time()


def _runs(pid: int, started: float) -> bool:
    try:
        # The same number with another start is another process: numbers are used again.
        return _started(pid) == started and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _holder(connection: sqlite3.Connection, campaign: str) -> Holder | None:
    row = connection.execute(
        "SELECT pid, process_started, host, boot, heartbeat FROM leases WHERE campaign = ?",
        (campaign,),
    ).fetchone()
    return Holder(*row) if row else None
