from __future__ import annotations

import pytest

NETS = """
import argparse
import torch
from torch import nn
import torch.nn.functional as F


class A(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(4, 4)

    def forward(self, x):
        return F.relu(self.one(x))


class B(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(4, 4)

    def forward(self, x):
        return F.relu(self.one(x))


parser = argparse.ArgumentParser()
parser.add_argument("--net", default="a")
args = parser.parse_args()
"""


def active(bench, code: str) -> set[str]:
    return {i.symbol for i in bench.ideas(code) if i.transformation == "activation"}


@pytest.mark.parametrize(
    "choice",
    [
        'net = A() if args.net == "a" else B()',
        'net = B() if args.net != "a" else A()',
        'if args.net == "a":\n    net = A()\nelse:\n    net = B()',
        'if args.net == "b":\n    net = B()\nelif args.net == "a":\n    net = A()',
        'net = {"a": A, "b": B}[args.net]()',
        'NETS = {"a": A, "b": B}\nnet = NETS[args.net]()',
        'def make(kind):\n    return A() if kind == "a" else B()\n\n\nnet = make(args.net)',
    ],
)
def test_a_network_that_is_not_chosen_gets_no_idea(choice, bench):
    code = NETS + choice + "\n"
    assert active(bench, code) == {"A"}
    other = type(bench)(command="python train.py --net b --seed {seed}")
    assert active(other, code) == {"B"}


def test_a_definition_that_nothing_live_names_is_idle(bench):
    used = NETS + "def make():\n    return A()\n\n\ndef old():\n    return B()\n\n\nmake()\n"
    assert active(bench, used) == {"A"}
    assert active(bench, used + "old()\n") == {"A", "B"}
    assert active(bench, used + "getattr(models, name)()\n") == {"A", "B"}
    assert active(bench, used + 'if __name__ == "__main__":\n    old()\n') == {"A", "B"}


def test_the_self_test_of_an_imported_file_runs_nothing(bench):
    nets = NETS + 'if __name__ == "__main__":\n    B()\n'
    found = bench.ideas("from nets import A\nA()\n", nets=nets)
    assert {i.symbol for i in found if i.place.path == "nets.py"} == {"A", "A.__init__"}


@pytest.mark.parametrize(
    "choice",
    [
        "net = A() if args.fast else B()",
        "net = A() if pick() == 'a' else B()",
        "nets = [A(), B()]",
        'net = A() if args.net == "a" else B()\nspare = B()',
    ],
)
def test_what_is_not_certain_counts_as_used(choice, bench):
    assert active(bench, NETS + choice + "\n") == {"A", "B"}
