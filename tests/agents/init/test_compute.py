"""The value of the compute knob, as the experiment runs now."""

from __future__ import annotations

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.domain import ComputeKnob, Controls, Objective
from autosota.agents.init.compute import compute_value

ARGPARSE = """
import argparse
import config
EPOCHS = 12
p = argparse.ArgumentParser()
p.add_argument("-e", "--epochs", type=int, default=8)
p.add_argument("--epochs-warm", type=int, default=1)
p.add_argument("--steps", type=int, default=EPOCHS)
p.add_argument("--rounds", type=int, default=config.ROUNDS)
p.add_argument("--computed", type=int, default=2 * EPOCHS)
p.add_argument("--required", type=int)
"""
CLICK = """
import click
@click.command()
@click.option("--epochs", "-n", default=30)
def main(epochs): ...
"""


def value(command: str, flag: str = "--epochs", **files: str) -> float | None:
    tree = {"train.py": ARGPARSE, "config.py": "ROUNDS = 1_000\n"}
    tree |= {name.replace("__", "."): text for name, text in files.items()}
    objective = Objective(command, "m", "m", controls=Controls(compute_knob=ComputeKnob(flag)))
    return compute_value(MemoryTree({k: v.encode() for k, v in tree.items()}), objective)


@pytest.mark.parametrize(
    ("arguments", "flag", "expected"),
    [
        ("--epochs 20", "--epochs", 20),
        ("--epochs=20", "--epochs", 20),
        ("--epochs 20 --epochs 25", "--epochs", 25),
        ("-e 20", "--epochs", 20),
        ("-e20 --epochs-warm 3", "--epochs", 20),
        ("--ep 20", "--epochs", 20),
        ("--epochs-w 3", "--epochs", 8),
        ("--epochs 20", "-e", 20),
        ("", "--epochs", 8),
        ("--epochs-warm 3", "--epochs", 8),
        ("", "--steps", 12),
        ("", "--rounds", 1000),
        ("--rounds 1e3", "--rounds", 1000),
        ("--epochs $EPOCHS", "--epochs", None),
        ("--epochs", "--epochs", None),
        ("", "--computed", None),
        ("", "--required", None),
        ("", "--unknown", None),
        ("--unknown 4", "--unknown", 4),
    ],
)
def test_the_command_line_else_the_default(arguments, flag, expected):
    assert value(f"python train.py --seed {{seed}} {arguments}", flag) == expected


def test_other_ways_to_declare_and_to_start():
    assert value("python train.py", train__py=CLICK) == 30
    assert value("python train.py -n 3", train__py=CLICK) == 3
    assert value("python prepare.py --epochs 3 && python train.py", prepare__py=CLICK) == 8
    assert value("bash run.sh --epochs 5", run__sh='python train.py --epochs 3 "$@"\n') == 5
    assert value("bash run.sh", run__sh='python train.py --epochs 3 "$@"\n') == 3
    assert value("./a.out --epochs 7") == 7
    assert value("./a.out") is None
    assert value("./a.out epochs=7", "epochs") == 7
    assert value("python train.py 'x") is None
    assert compute_value(MemoryTree({}), Objective("python train.py --epochs 3", "m", "m")) is None


def test_a_hydra_setting():
    code = """
import hydra
@hydra.main(config_path="conf", config_name="main")
def main(cfg): ...
"""
    files = {"train.py": code, "conf/main.yaml": "epochs: 40\nlr: 0.1\n"}
    tree = MemoryTree({k: v.encode() for k, v in files.items()})
    knob = Controls(compute_knob=ComputeKnob("epochs"))
    assert compute_value(tree, Objective("python train.py", "m", "m", controls=knob)) == 40
    command = "python train.py lr=1 epochs=50"
    assert compute_value(tree, Objective(command, "m", "m", controls=knob)) == 50
