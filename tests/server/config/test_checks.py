from __future__ import annotations

from dataclasses import replace

from autosota.agents.domain import Budget, Environment, Objective, Protocol
from autosota.server.config import warnings_of

CLEAN = Objective(
    "python t.py --seed {seed}",
    "acc",
    "val_acc",
    evaluate="python e.py",
    protocol=Protocol(("e.py",), ("data/**",), ("labels/**",)),
)


def starts(objective: Objective) -> list[str]:
    return [" ".join(line.split()[:3]) for line in warnings_of(objective)]


def test_a_careful_objective_has_no_warning() -> None:
    assert warnings_of(CLEAN) == []


def test_each_doubt_is_one_line() -> None:
    for changes, expected in [
        ({"select_on": "acc"}, "LK112: search selects"),
        ({"command": "python t.py"}, "objective.command has no"),
        ({"seeds": (3,)}, "objective.seeds has one"),
        ({"protocol": Protocol(("e.py",), ("d/**",))}, "protocol.labels is not"),
        ({"protocol": Protocol((), (), ("l/**",))}, "protocol.data is not"),
        ({"timeout_seconds": 7201.0}, "objective.timeout (7201 s)"),
        ({"budget": Budget(evaluations=25)}, "budget.evaluations (25) leaves"),
        (
            {"environment": Environment(python="/usr/bin/python3", requirements=("numpy",))},
            "environment.python is set,",
        ),
        ({"environment": Environment(network=True)}, "environment.network is on:"),
    ]:
        assert starts(replace(CLEAN, **changes)) == [expected]
    guessed = replace(CLEAN, evaluate="", protocol=Protocol(data=("d/**",)))
    assert starts(guessed) == ["neither objective.evaluate nor"]
    assert warnings_of(replace(CLEAN, budget=Budget(evaluations=26))) == []
