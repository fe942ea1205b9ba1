"""Receipts and events of ordinary runs, for the tests of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autosota.agents.domain import (
    Boundary,
    Isolation,
    Machine,
    MetricReading,
    Objective,
    Outcome,
    Purpose,
    Receipt,
    Resources,
)
from autosota.agents.scheduler.events import CampaignStarted, CodeAnalysed, RunFinished
from autosota.server.ledger import Ledger, receipt_hash
from autosota.server.ledger.codec import text_hash

STDOUT = "METRIC acc=0.9\n"


def a_receipt(run_id: str = "c1-b-0", campaign: str = "c1") -> Receipt:
    return Receipt(
        run_id=run_id,
        campaign=campaign,
        purpose=Purpose.BASELINE,
        side="baseline",
        commit="a" * 40,
        base_commit="b" * 40,
        seed=3,
        command="python train.py --seed 3 --naïve",
        evaluate="",
        objective_hash="c" * 64,
        evaluator_hash="d" * 64,
        data_hash="e" * 64,
        environment_hash="f" * 64,
        sandbox="local",
        isolation=Isolation.OVERLAID,
        outcome=Outcome.OK,
        reason="",
        exit_code=0,
        stdout_hash=text_hash(STDOUT),
        stderr_hash=text_hash(""),
        metrics=(MetricReading("acc", 0.9), MetricReading("test_acc", None, reason="masked")),
        resources=Resources(1.5, None, 10, None),
        machine=Machine(libraries={"numpy": "2.0"}),
        started_at="2026-01-01T00:00:00Z",
        finished_at="2026-01-01T00:00:01Z",
    )


def an_event(receipt: Receipt) -> RunFinished:
    return RunFinished(
        run_id=receipt.run_id,
        purpose=receipt.purpose,
        side=receipt.side,
        commit=receipt.commit,
        seed=receipt.seed,
        outcome=receipt.outcome,
        reason=receipt.reason,
        metrics={m.name: m.value for m in receipt.metrics},
        isolation=receipt.isolation,
        wall_seconds=receipt.resources.wall_seconds,
        receipt=receipt_hash(receipt),
    )


@pytest.fixture
def make_receipt() -> Callable[..., Receipt]:
    return a_receipt


@pytest.fixture
def finished() -> Callable[[Receipt], RunFinished]:
    return an_event


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A place for a ledger, with a space and a letter that is no ASCII in it."""
    return tmp_path / "my wörk" / ".autosota" / "ledger.sqlite"


@pytest.fixture
def campaign_of_three(path: Path) -> Path:
    """A ledger with one campaign: started, analysed, three runs with their logs."""
    with Ledger(path) as ledger:
        campaign = ledger.create_campaign()
        objective = Objective("python train.py", "acc", "acc")
        ledger.append(campaign, CampaignStarted(objective, "c" * 64, "b" * 40, False, "0.1.0"))
        ledger.append(campaign, CodeAnalysed(Boundary(), "d" * 64, "e" * 64))
        for number in range(3):
            receipt = a_receipt(f"c1-b-{number}")
            ledger.append(campaign, an_event(receipt), receipt)
            (path.parent / "runs" / receipt.run_id / "stdout.log").write_text(STDOUT)
    return path
