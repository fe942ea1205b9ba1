"""Symbolic execution: the same computation has the same value, however it is written."""

from __future__ import annotations

import pytest

from autosota.agents.code.execute import execute
from autosota.agents.code.program import Program
from autosota.agents.code.tree import MemoryTree
from autosota.agents.code.values import PRED, walk


def _run(files: str | dict[str, str], command: str = "python a.py"):
    content = {"a.py": files} if isinstance(files, str) else files
    return execute(Program(MemoryTree({k: v.encode() for k, v in content.items()})), command)


def _printed(files: str | dict[str, str], command: str = "python a.py"):
    prints = [e.value for e in _run(files, command).events if e.value.head == "print"]
    return prints[-1]


SAME = [
    ("x = a()\nprint(x)", "def f(v):\n    w = v\n    return w\nprint(f(a()))"),
    ("print(a()[1])", "p, q = 0, a()[1]\nprint(q)"),
    ("print(m(1))", "class C:\n    def __init__(self):\n        self.v = m(1)\nprint(C().v)"),
    ("print(2 * b())", "d = {}\nd['k'] = b() * 2\nprint(d['k'])"),
    ("print(f())", "import os\nif False:\n    x = 1\nelse:\n    x = f()\nprint(x)"),
    ("t = 0\nfor x in d():\n    t += x\nprint(t)", "s = 0\nfor y in d():\n    s = s + y\nprint(s)"),
    ("print('%.2f' % v())", "print('{:.2f}'.format(v()))"),
    ("x = [1]\nx.append(z())\nprint(x)", "print([1, z()])"),
    ("print(g(lambda v: v + h()))", "def k(w):\n    return w + h()\nprint(g(k))"),
]


@pytest.mark.parametrize(("one", "two"), SAME)
def test_the_same_computation_has_the_same_value(one, two):
    first, second = _printed(one), _printed(two)
    if "%.2f" in one:
        first, second = first.kids[0].kids[0], second.kids[0].kids[0]
    assert first.key == second.key, (first, second)


DIFFERENT = [
    ("print(a() + 1)", "print(a() + 2)"),
    (
        "t = 0\nfor x in d():\n    t += x\nprint(t)",
        "t = 0\nfor x in d()[:9]:\n    t += x\nprint(t)",
    ),
    (
        "t = 0\nfor x in d():\n    t += x\nprint(t)",
        "t = 0\nfor x in d():\n    if x > 3:\n        continue\n    t += x\nprint(t)",
    ),
    (
        "t = 0\nfor x in d():\n    t += x\nprint(t)",
        "t = 0\nfor x in d():\n    if t > 3:\n        break\n    t += x\nprint(t)",
    ),
    (
        "t = 0\nfor x in d():\n    t += x\nprint(t)",
        "t = 0\nfor x in d():\n    try:\n        t += x\n"
        "    except ValueError:\n        pass\nprint(t)",
    ),
    ("y = q()\nprint(y)", "y = q()\nw = y\nw[0] = 1\nprint(y)"),
    ("y = q()\nprint(y)", "y = q()\nv = y[2:]\nv[0] = 1\nprint(y)"),
    (
        "class M:\n    s = 0\n    def u(self, v):\n        self.s += v\n"
        "m = M()\nm.u(z())\nprint(m.s)",
        "class M:\n    s = 0\n    def u(self, v):\n        if v < 1:\n            return\n"
        "        self.s += v\nm = M()\nm.u(z())\nprint(m.s)",
    ),
]


@pytest.mark.parametrize(("one", "two"), DIFFERENT)
def test_another_computation_has_another_value(one, two):
    assert _printed(one).key != _printed(two).key


def test_files_and_names_do_not_matter():
    one = {"a.py": "import u\nprint(u.f(x()))", "u.py": "def f(v):\n    return v * 3\n"}
    two = {
        "a.py": "from pkg.w import g as h\nprint(h(x()))",
        "pkg/w.py": "def g(q):\n    return q * 3\n",
    }
    assert _printed(one).key == _printed(two).key


OPTIONS = (
    "import argparse\np = argparse.ArgumentParser()\n"
    "p.add_argument('--k', type=int, default={})\np.add_argument('--other', default=3)\n"
    "args = p.parse_args()\nprint(f(args.k))\n"
)


def test_an_option_is_its_default_unless_the_command_gives_it():
    assert _printed(OPTIONS.format(5)).key != _printed(OPTIONS.format(10)).key
    given = "python a.py --k 7"
    assert _printed(OPTIONS.format(5), given).key == _printed(OPTIONS.format(10), given).key


def test_a_split_part_depends_on_its_own_array_only():
    text = (
        "from sklearn.model_selection import train_test_split\nx, y = r()\nx = {}\n"
        "a, b, c, d = train_test_split(x, y, test_size=0.2)\nprint({})\n"
    )
    assert _printed(text.format("x", "d")).key == _printed(text.format("s(x)", "d")).key
    assert _printed(text.format("x", "b")).key != _printed(text.format("s(x)", "b")).key


def test_a_model_is_asked_and_keeps_what_it_was_trained_on():
    value = _printed(
        "from torch import nn\nimport torch.nn.functional as F\nclass Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.l = nn.Linear(2, 2)\n"
        "    def forward(self, x):\n        return self.l(x)\nnet = Net()\n"
        "for x, y in train():\n    loss = F.cross_entropy(net(x), y)\n    loss.backward()\n"
        "print(net(test()))\n"
    )
    assert value.flags & PRED
    assert any(v.head == "train" for v in walk(value)), "the training rows are part of the model"


def test_a_replaced_library_function_is_seen():
    execution = _run("import numpy as np\nnp.mean = lambda x: 1\nprint(np.mean(d()))\n")
    assert "numpy.mean" in execution.patched


def test_too_much_is_unknown_and_not_endless():
    text = "".join(f"{' ' * n}for i{n} in x:\n" for n in range(18)) + " " * 18 + "f(i0)\n"
    assert any("does more than was followed" in u for u in _run(text).unknown)


def test_recursion_ends():
    _run("def f(n):\n    return f(n - 1) if n else g(n)\ndef g(n):\n    return f(n)\nprint(f(9))\n")
