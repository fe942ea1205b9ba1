from __future__ import annotations

from dataclasses import replace

from autosota.agents.domain import Budget, Environment, Objective, Paper, PaperClaim, Protocol
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


def test_a_search_on_the_claim_names_the_way_out() -> None:
    (line,) = warnings_of(replace(CLEAN, select_on="acc"))
    assert "autosota split" in line
    assert warnings_of(replace(CLEAN, paper=Paper("", "", (PaperClaim("acc", 0.9),)))) == []


def test_each_doubt_is_one_line() -> None:
    for changes, expected in [
        ({"select_on": "acc"}, "LK112: search selects"),
        ({"command": "python t.py"}, "objective.command has no"),
        ({"seeds": (3,)}, "objective.seeds has one"),
        ({"protocol": Protocol(("e.py",), ("d/**",))}, "protocol.labels is not"),
        ({"paper": Paper("", "", (PaperClaim("accuracy", 0.9),))}, "paper.claims has no"),
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
