"""More than one campaign in a workspace: unfinished ones, older ones, and what was refused."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest
from tests.server.campaign.conftest import Repository
from tests.server.campaign.test_bad_input import edited, one_line

from autosota.agents.scheduler import events as ev
from autosota.server.ledger.store import Ledger

pytestmark = [pytest.mark.campaign, pytest.mark.bwrap]


def interrupted(repository: Repository, runs: int = 2) -> tuple[int, str]:
    """A campaign that Ctrl-C ends after some runs: its exit code and output."""
    process = repository.start("run", "--json")
    assert process.stdout is not None
    lines = []
    while sum('"run_finished"' in line for line in lines) < runs:
        lines.append(process.stdout.readline())
        assert lines[-1], lines
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    return process.returncode, "".join(lines) + out


def ledger_of(repository: Repository) -> Path:
    return repository.root / ".autosota" / "ledger.sqlite"


def test_an_unfinished_campaign_is_not_started_over_by_mistake(repository):
    code, out = interrupted(repository)
    assert code == 1  # stopped, as every end that confirms nothing; not 130
    assert json.loads(out.splitlines()[-1])["verdict"] == "stopped"
    (repository.root / "run.log").write_text("a log of the last run is no change of the code")
    line = one_line(repository.autosota("run"))
    assert "campaign c1 is unfinished (stopped after" in line
    assert "autosota resume" in line and "autosota run --new" in line
    with Ledger(ledger_of(repository), read_only=True) as ledger:
        assert [row.id for row in ledger.campaigns()] == ["c1"]

    another = repository.autosota("run", "--new")
    assert another.returncode == 0
    assert "autosota resume --campaign c1" in another.stderr
    status = repository.autosota("status").stdout
    assert "campaign c2: finished" in status and "c1 (unfinished)" in status
    assert "campaign c1: stopped" in repository.autosota("status", "--campaign", "c1").stdout
    assert "autosota resume --campaign c1" in one_line(repository.autosota("resume"))
    # c2 began a confirmation that c1 does not pay for
    line = one_line(repository.autosota("resume", "--campaign", "c1"))
    assert "c1 cannot go on" in line and "run --new" in line
    assert "is finished" in one_line(repository.autosota("resume", "--campaign", "c2"))


def test_scripts_are_not_asked_and_a_changed_objective_is_no_mistake(repository):
    interrupted(repository)
    edited(repository, "seeds = [0, 1, 2]", "seeds = [0, 1]")  # resume would not use it
    process = repository.start("run", quiet=True)
    try:
        path, end = ledger_of(repository), time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None:
            with Ledger(path, read_only=True) as ledger:
                if len([r for r in ledger.campaigns() if r.runs]) == 2:
                    break
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 1
    code, out = interrupted(repository)
    assert code == 1 and '"campaign_started"' in out
    with Ledger(path, read_only=True) as ledger:
        assert [row.id for row in ledger.campaigns()] == ["c1", "c2", "c3"]


def test_older_campaigns_stay_in_reach_and_refusals_are_kept(repository):
    assert repository.autosota("run", "--json").returncode == 0
    refused = repository.autosota("reject", "c1-p1", "--why", "too odd")
    assert refused.returncode == 0 and "too odd" in refused.stdout
    interrupted(repository, runs=4)
    with Ledger(ledger_of(repository), read_only=True) as ledger:
        events = ledger.events("c2")
        (idea,) = [e.idea for e in events if isinstance(e, ev.IdeaRefused)]
        assert idea not in [e.idea for e in events if isinstance(e, ev.IdeaSelected)]
    shown = repository.autosota("show", "c1-p1")
    assert shown.returncode == 0 and idea in shown.stdout
    assert "campaign c1: finished" in repository.autosota("show", "c1").stdout
    assert repository.autosota("ideas", "--campaign", "c1").stdout.count("\n") > 1
    report = repository.autosota("report", "--campaign", "c1")
    assert report.stdout.strip().endswith("reports/c1/report.html")
    applied = repository.autosota("apply", "--campaign", "c1").stdout.splitlines()
    assert applied[0].startswith("Confirmed +") and applied[1].startswith("changed ")
    again = repository.autosota("apply", "--campaign", "c1")
    assert "already; nothing was changed" in again.stdout
    checked = repository.autosota("verify")
    assert checked.returncode == 0
    first = checked.stdout.splitlines()[0]
    assert first.startswith("checked ") and "receipts" in first and "c1, c2" in first
