from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from autosota.agents.scheduler.events import CampaignResumed
from autosota.server.ledger import Lease, LeaseHeld, LeaseLost, Ledger

DRIVER = """
import sys, time
from pathlib import Path
from autosota.server.ledger import Ledger, Lease
ledger = Ledger(Path(sys.argv[1]))
lease = Lease.acquire(ledger, "c1")
print("driving", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def ledger(path: Path) -> Ledger:
    ledger = Ledger(path)
    ledger.create_campaign()
    ledger.create_campaign()
    return ledger


def a_driver(path: Path) -> subprocess.Popen[str]:
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert driver.stdout is not None
    assert driver.stdout.readline() == "driving\n"
    return driver


def change(path: Path, assignment: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(f"UPDATE leases SET {assignment}", values)
        raw.commit()


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_one_driver_per_campaign(ledger: Ledger) -> None:
    driver = a_driver(ledger.path)
    try:
        with pytest.raises(LeaseHeld, match=f"already driven by process {driver.pid} ") as raised:
            Lease.acquire(ledger, "c1")
        assert raised.value.pid == driver.pid
        holder = Lease.holder(ledger.path, "c1")
        assert holder is not None
        assert holder.pid == driver.pid
        assert Lease.holder(ledger.path, "c2") is None
        with Lease.acquire(ledger, "c2") as other:
            assert not other.lost
    finally:
        driver.kill()
    # Not waited for: what is left is a zombie, whose pid still exists.
    assert until(lambda: Lease.holder(ledger.path, "c1") is None)
    with Lease.acquire(ledger, "c1") as lease:
        lease.check()
        assert Lease.holder(ledger.path, "c1").pid == os.getpid()  # type: ignore[union-attr]
    driver.communicate(timeout=20)
    assert Lease.holder(ledger.path, "c1") is None


def test_the_same_pid_of_another_process_is_not_the_driver(ledger: Ledger) -> None:
    first = Lease.acquire(ledger, "c1")
    with pytest.raises(LeaseHeld):
        Lease.acquire(ledger, "c1")
    change(ledger.path, "process_started = process_started - 500")
    Lease.acquire(ledger, "c1").release()
    first.release()


def test_a_driver_elsewhere_is_dead_only_after_its_silence(ledger: Ledger) -> None:
    lease = Lease.acquire(ledger, "c1", heartbeat=1000)
    change(ledger.path, "host = 'elsewhere', pid = 999999, heartbeat = ?", time.time() - 50)
    with pytest.raises(LeaseHeld, match="process 999999 on elsewhere"):
        Lease.acquire(ledger, "c1")
    # Same machine name, another boot or container: its pids mean nothing here.
    change(ledger.path, "host = ?, boot = 'another'", os.uname().nodename)
    with pytest.raises(LeaseHeld):
        Lease.acquire(ledger, "c1")
    for silent_since in (time.time() - 61, time.time() + 61):
        change(ledger.path, "heartbeat = ?", silent_since)
        assert Lease.holder(ledger.path, "c1") is None
    Lease.acquire(ledger, "c1").release()
    lease.release()


def test_the_heartbeat_beats(ledger: Ledger) -> None:
    with Lease.acquire(ledger, "c1", heartbeat=0.02):
        change(ledger.path, "heartbeat = 0")

        def beats() -> bool:
            with closing(sqlite3.connect(ledger.path)) as raw:
                return bool(raw.execute("SELECT heartbeat FROM leases").fetchone()[0] > 0)

        assert until(beats)


def test_a_lost_lease_is_noticed_and_stops_the_pen(ledger: Ledger) -> None:
    with Lease.acquire(ledger, "c1", heartbeat=0.02) as lease:
        ledger.append("c1", CampaignResumed())
        change(ledger.path, "token = 'of another'")
        with pytest.raises(LeaseLost, match="c1 was taken over"):  # before any heartbeat
            ledger.append("c1", CampaignResumed())
        assert until(lambda: lease.lost)
        with pytest.raises(LeaseLost):
            lease.check()
        ledger.append("c2", CampaignResumed())
    assert len(ledger.events("c1")) == 1
    with closing(sqlite3.connect(ledger.path)) as raw:  # the other's lease is still there
        assert raw.execute("SELECT token FROM leases").fetchall() == [("of another",)]


def test_a_released_lease_leaves_nothing(ledger: Ledger) -> None:
    lease = Lease.acquire(ledger, "c1")
    lease.release()
    lease.release()
    assert not lease._thread.is_alive()
    ledger.append("c1", CampaignResumed())  # a face may write without a lease
    assert Lease.holder(ledger.path, "c1") is None
