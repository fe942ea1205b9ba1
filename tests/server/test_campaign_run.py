from __future__ import annotations

from autosota.agents.domain import (
    Isolation,
    Machine,
    MetricReading,
    Outcome,
    Purpose,
    Receipt,
    Resources,
)
from autosota.server.campaign import finished_run


def receipt(origin: str) -> Receipt:
    return Receipt(
        run_id="c1-confirm-baseline-s5",
        campaign="c1",
        purpose=Purpose.CONFIRM,
        side="baseline",
        commit="base",
        base_commit="base",
        seed=5,
        command="train",
        evaluate="evaluate",
        objective_hash="",
        evaluator_hash="",
        data_hash="",
        environment_hash="",
        sandbox="bubblewrap",
        isolation=Isolation.SEALED,
        outcome=Outcome.OK,
        reason="",
        exit_code=0,
        stdout_hash="",
        stderr_hash="",
        metrics=(MetricReading("test", 0.9, origin),),
        resources=Resources(),
        machine=Machine(),
        started_at="",
        finished_at="",
    )


def test_a_claim_that_the_command_printed_is_not_sealed():
    assert finished_run(receipt("evaluate"), "test").isolation is Isolation.SEALED
    assert finished_run(receipt("command"), "test").isolation is Isolation.OVERLAID
