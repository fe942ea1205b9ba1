from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from autosota.agents.domain import (
    Budget,
    Controls,
    Direction,
    Environment,
    MetricSource,
    Objective,
    Paper,
    RowsControl,
    Transfer,
)
from autosota.server.config import load_objective, objective_hash, objective_of

PINNED = "95c7cd78d9b09059fc1a8d3b5662f9dccefd2b57ffe751b37f7e3214260d7661"

FIRST = """
[objective]
command = "python t.py --seed {seed}"
metric = "acc"
select_on = "val"
timeout = "10m"
seeds = [0, 1]
[objective.guard.params]
max_increase = 0.1
[protocol]
data = ["a/**", "b/**"]
frozen = { x = 1, y = 2 }
"""
SECOND = """  # the same, written by somebody else
protocol = { frozen = { y = 2, x = 1 }, data = ['b/**', 'a/**'] }
budget.evaluations = 7
autonomy.mode = "off"
paper.title = "A title"
[objective]
seeds = [1, 0]
timeout = 600
select_on = 'val'
guard.params.max_increase = 0.10
metric = 'acc'
command = 'python t.py --seed {seed}'
"""


def test_formatting_and_what_does_not_matter_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "autosota.toml").write_text(FIRST)
    first = objective_hash(load_objective(tmp_path))
    assert first == objective_hash(objective_of(tomllib.loads(SECOND), "x"))


CHANGES = {
    "command": replace(Objective("c", "m", "s"), command="d"),
    "evaluate": replace(Objective("c", "m", "s"), evaluate="e"),
    "metric": replace(Objective("c", "m", "s"), metric="n"),
    "select_on": replace(Objective("c", "m", "s"), select_on="t"),
    "direction": replace(Objective("c", "m", "s"), direction=Direction.MINIMIZE),
    "seeds": replace(Objective("c", "m", "s"), seeds=(1,)),
    "timeout": replace(Objective("c", "m", "s"), timeout_seconds=1.0),
    "source": replace(Objective("c", "m", "s"), metrics={"m": MetricSource("m", key="a")}),
    "target": replace(Objective("c", "m", "s"), target=0.5),
    "outcomes": replace(Objective("c", "m", "s"), outcomes="{run_dir}/o.csv"),
    "inputs": replace(Objective("c", "m", "s"), controls=Controls(inputs=RowsControl("f"))),
    "labels": replace(Objective("c", "m", "s"), controls=Controls(labels=RowsControl("f"))),
    "chance": replace(Objective("c", "m", "s"), controls=Controls(chance=0.5)),
    "transfers": replace(Objective("c", "m", "s"), transfers=(Transfer("a", "b"),)),
    "memory": replace(Objective("c", "m", "s"), environment=Environment(memory_bytes=1)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_matters_changes_it(name: str) -> None:
    assert objective_hash(CHANGES[name]) != objective_hash(Objective("c", "m", "s"))


def test_labels_and_inputs_are_not_mistaken_for_each_other() -> None:
    assert len({objective_hash(CHANGES[name]) for name in ("labels", "inputs")}) == 2


def test_what_does_not_matter_does_not() -> None:
    plain = Objective("c", "m", "s")
    for other in (
        replace(plain, paper=Paper("title")),
        replace(plain, paper=Paper(tolerance=0.5)),
        replace(plain, budget=Budget(1, ideas=2)),
        replace(plain, autonomy="off"),
        replace(plain, environment=Environment(sandbox="local")),
    ):
        assert objective_hash(other) == objective_hash(plain)


def test_it_is_the_same_in_every_version_of_this_house() -> None:
    # Receipts hold it. Change it only together with the version inside it.
    assert objective_hash(Objective("c", "m", "s")) == PINNED
