"""A driver that is killed at any instant: nothing finished is lost, repeated or half written."""

from __future__ import annotations

import json
import os
import random
import signal
import time

import psutil
import pytest
from tests.server.campaign.conftest import Repository, make_repository

from autosota.agents.scheduler import events as ev
from autosota.server.ledger.store import Ledger

pytestmark = [pytest.mark.campaign, pytest.mark.bwrap]

MEASURED = (
    "wall_seconds",
    "receipt",
    "resources",
    "seconds_per_run",
    "expected_seconds",
    "control_seconds",
    "compute",
)


def story(repository: Repository) -> list[tuple[str, object]]:
    """The events up to times and what is derived from them."""
    from autosota.server.ledger.codec import encode

    def without_times(value: object) -> object:
        if isinstance(value, dict):
            return {k: without_times(v) for k, v in value.items() if k not in MEASURED}
        return [without_times(v) for v in value] if isinstance(value, list) else value

    with Ledger(repository.root / ".autosota" / "ledger.sqlite", read_only=True) as ledger:
        events = ledger.events("c1")
    return [(e.kind, without_times(json.loads(encode(e)))) for e in events]


def strays(repository: Repository) -> list[str]:
    """Processes that still work in the repository."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(str(repository.root) in word for word in process.info["cmdline"] or []):
            found.append(" ".join(process.info["cmdline"]))
    return found


def test_any_number_of_kills_leads_to_the_same_ledger(tmp_path):
    undisturbed = make_repository(tmp_path / "a" / "repo")
    assert undisturbed.autosota("run", "--json").returncode == 0
    killed = make_repository(tmp_path / "b" / "repo")
    before = killed.fingerprint()
    dice = random.Random(int(os.environ.get("AUTOSOTA_KILL_SEED", "20261124")))
    process = killed.start("run", quiet=True)
    kills = 0
    while kills < 12:
        try:
            process.wait(timeout=dice.uniform(0.3, 2.5))
            if (killed.root / ".autosota" / "ledger.sqlite").exists():
                break
        except Exception:  # noqa: BLE001 - still running: this is the moment
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
        process = killed.start("resume" if story_began(killed) else "run", quiet=True)
    assert process.wait(timeout=120) == 0
    assert kills >= 3
    assert story(killed) == story(undisturbed)
    assert killed.autosota("verify").returncode == 0
    assert killed.fingerprint() == before
    assert strays(killed) == []


def story_began(repository: Repository) -> bool:
    path = repository.root / ".autosota" / "ledger.sqlite"
    if not path.exists():
        return False
    with Ledger(path) as ledger:
        return any(row.started_at is not None for row in ledger.campaigns())


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "command"])
def test_a_stop_ends_everything_soon_and_is_resumed(tmp_path, how):
    repository = make_repository(tmp_path / "repo")
    # a long run, so that the stop comes in the middle of it
    train = repository.root / "train.py"
    train.write_text(
        train.read_text().replace("\n\nmain()", "\n\nimport time\n\ntime.sleep(15)\nmain()")
    )
    process = repository.start("run", "--json")
    for line in process.stdout:
        if json.loads(line)["event"] == "code_analysed":
            break
    deadline = time.monotonic() + 10
    while not strays(repository) and time.monotonic() < deadline:
        time.sleep(0.05)
    began = time.monotonic()
    if how == "command":
        assert repository.autosota("stop").returncode == 0
    else:
        process.send_signal(getattr(signal, how))
    assert process.wait(timeout=10) == 1
    assert time.monotonic() - began < 8
    assert strays(repository) == []
    with Ledger(repository.root / ".autosota" / "ledger.sqlite", read_only=True) as ledger:
        assert isinstance(ledger.events("c1")[-1], ev.CampaignStopped)
    assert json.loads(repository.autosota("status", "--json").stdout)["state"] == "stopped"


def test_there_is_one_driver_only(tmp_path):
    repository = make_repository(tmp_path / "repo")
    process = repository.start("run", "--json")
    for line in process.stdout:
        if json.loads(line)["event"] == "code_analysed":
            break
    for command in ("run", "resume"):
        second = repository.autosota(command)
        assert second.returncode == 2, second.stdout
        assert str(process.pid) in second.stderr
    assert repository.autosota("stop").returncode == 0
    process.wait(20)
