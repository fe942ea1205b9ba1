"""An objective that names what is not there is refused before anything runs: exit code 2."""

from __future__ import annotations

import json

import pytest
from tests.server.campaign.test_bad_input import edited, one_line

pytestmark = [pytest.mark.campaign, pytest.mark.bwrap]

CONTROLS = "[environment]"


def declared(control: str) -> str:
    return f"[controls]\n{control}\n\n[environment]"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            CONTROLS,
            declared('labels = { file = "data/train_z.txt" }'),
            ["controls.labels: there is no file 'data/train_z.txt'", "did you mean 'data/train_"],
        ),
        (
            CONTROLS,
            declared('labels = { file = "labels/val.txt" }'),
            ["controls.labels: labels/val.txt", "only the evaluator sees"],
        ),
        (
            CONTROLS,
            declared('inputs = { file = "data/rows.csv", column = "Target" }'),
            ["controls.inputs: data/rows.csv has no column 'Target'", "did you mean 'target'?"],
        ),
        (
            CONTROLS,
            declared('compute_knob = { flag = "--sed" }').replace("--sed", "--seeds"),
            ["controls.compute_knob: train.py knows no '--seeds'; did you mean '--seed'?"],
        ),
        (
            'evaluation = ["evaluate.py"]',
            'evaluation = ["evaluat.py"]',
            ["protocol.evaluation: there is no file 'evaluat.py'; did you mean 'evaluate.py'?"],
        ),
        (
            'evaluation = ["evaluate.py"]',
            'evaluation = ["evaluate.py", "train.py::raed"]',
            ["train.py defines no 'raed'; did you mean 'train.py::read'?"],
        ),
        ("python train.py", "python trian.py", ["objective.command", "did you mean 'train.py'?"]),
        (
            "--out {run_dir}",
            "--output {run_dir}",
            ["objective.command: train.py knows no '--output'; did you mean '--out'?"],
        ),
        (
            "[environment]",
            '[[transfer]]\nname = "long"\narguments = "--outt x"\n\n[environment]',
            ["transfer[0].arguments: train.py knows no '--outt'; did you mean '--out'?"],
        ),
        (
            "seeds = [",
            'outcomes = "outcomes_{seed}.csv"\nseeds = [',
            ["objective.outcomes", 'name it "{run_dir}/outcomes.csv"'],
        ),
    ],
)
def test_what_is_not_there_is_said_at_once(repository, old, new, words):
    (repository.root / "data" / "rows.csv").write_text("a,target\n1,2\n3,4\n")
    line = one_line(edited(repository, old, new).autosota("run"))
    assert line.startswith("autosota: autosota.toml: ")
    for word in words:
        assert word in line
    assert "no campaign yet" in one_line(repository.autosota("status"))  # nothing was begun
    assert repository.autosota("doctor").returncode == 1


def test_a_metric_that_the_run_does_not_print_is_said_with_those_it_does(repository):
    ran = edited(repository, 'select_on = "val_accuracy"', 'select_on = "val_acc"').autosota(
        "run", "--json"
    )
    assert ran.returncode == 1
    last = json.loads(ran.stdout.splitlines()[-1])
    assert last["evaluations"] == 1
    assert "objective.select_on" in last["reason"]
    assert "printed test_accuracy and val_accuracy" in last["reason"]
    assert "did you mean 'val_accuracy'?" in last["reason"]
