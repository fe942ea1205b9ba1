from __future__ import annotations

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.domain import Objective
from autosota.agents.ideator.command import given_value
from autosota.agents.ideator.knobs import find_knob
from autosota.agents.ideator.module import Project

ARGS = "import argparse\np = argparse.ArgumentParser()\n"
FOLLOWED = [
    ("use(0.5)", 0.5, ""),
    ("R = 0.5\nuse(R)", 0.5, "R"),
    ("R: float = 0.5\nuse(R)", 0.5, "R"),
    ("def f(r=0.5):\n    use(r)", 0.5, "r"),
    ("def f(r):\n    use(r)\nf(0.5)", 0.5, "r"),
    ("def f(r=9):\n    use(r)\nf(r=0.5)", 0.5, "r"),
    ("def f():\n    r = 0.5\n    use(r)", 0.5, "r"),
    (ARGS + "p.add_argument('--rate', '-r', default=0.5)\na = p.parse_args()\nuse(a.rate)", 0.5,
     "--rate"),
    (ARGS + "p.add_argument('--the-rate', default=0.5)\na = p.parse_args()\nuse(a.the_rate)", 0.5,
     "--the-rate"),
    (ARGS + "p.add_argument('--x', dest='rate', default=1_0)\na = p.parse_args()\nuse(a.rate)", 10,
     "--x"),
    ("from dataclasses import dataclass\n@dataclass\nclass C:\n    rate: float = 0.5\n"
     "c = C()\nuse(c.rate)", 0.5, "rate"),
    ("c = {'rate': 0.5}\nuse(c['rate'])", 0.5, "rate"),
    ("c = dict(rate=0.5)\nuse(c['rate'])", 0.5, "rate"),
    ("from other import RATE\nuse(RATE)", 0.25, "RATE"),
    ("import other\nuse(other.RATE)", 0.25, "RATE"),
    ("import click\n@click.command()\n@click.option('--rate', default=0.5)\ndef f(rate):\n"
     "    use(rate)", 0.5, "--rate"),
    ("use(-1)", -1, ""),
]  # fmt: skip
LOST = [
    "R = 0.5\nR = 0.1\nuse(R)",
    "R = 0.5\nR *= 2\nuse(R)",
    "for r in (1, 2):\n    use(r)",
    "def f(r):\n    use(r)\nf(1)\nf(2)",
    "def f(r=1):\n    use(r)\nf(*args)",
    "def f(r=1):\n    r = g(r)\n    use(r)",
    "use(2 * 3)",
    "a, r = 1, 2\nuse(r)",
    "use('0.5')",
    "c = {'rate': 0.5}\nc['rate'] = 3\nuse(c['rate'])",
    "c = {'rate': 0.5}\nc.update(x)\nuse(c['rate'])",
    ARGS + "p.add_argument('--rate', default=0.5)\na = p.parse_args()\na.rate = 3\nuse(a.rate)",
    ARGS + "p.add_argument('--rate')\na = p.parse_args()\nuse(a.rate)",
    "from dataclasses import dataclass\n@dataclass\nclass C:\n    rate: float = 0.5\n"
    "c = C(rate=3)\nuse(c.rate)",
    "from elsewhere import RATE\nuse(RATE)",
    "use(lambda r: r)",
]


def knob_of(code: str, command="python train.py"):
    tree = MemoryTree({"train.py": code.encode(), "other.py": b"RATE = 0.25\n"})
    project = Project(tree, Objective(command, metric="m", select_on="m"))
    module = project.module("train.py")
    call = next(c for c in module.calls if module.text(c.function) == "use")
    return find_knob(module, call.positional[0])


@pytest.mark.parametrize(("code", "value", "label"), FOLLOWED)
def test_a_number_is_followed_to_its_literal(code, value, label):
    knob = knob_of(code)
    assert (knob.value, knob.label) == (value, label)


@pytest.mark.parametrize("code", LOST)
def test_what_cannot_be_followed_is_not_guessed(code):
    assert knob_of(code) is None


OPTION = ARGS + "p.add_argument('--rate', '-r', default=0.5)\na = p.parse_args()\nuse(a.rate)"


@pytest.mark.parametrize("flag", ["--rate 1", "--rate=1", "--ra 1", "-r 1", "-r1"])
def test_an_option_that_the_command_sets_is_no_lever(flag):
    assert knob_of(OPTION, f"python train.py {flag}") is None
    assert knob_of(OPTION, "python train.py --other 1 --rates 2").value == 0.5


def test_the_value_of_an_option_is_read_from_the_command():
    project = Project(MemoryTree({"a.py": b""}), Objective("x --net=b -k 3", "m", "m"))
    module = project.module("a.py")
    assert given_value(module, "--net -n") == "b"
    assert given_value(module, "--kind -k") == "3"
    assert given_value(module, "--other") is None
