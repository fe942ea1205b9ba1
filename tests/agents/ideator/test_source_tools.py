"""Bindings, argument lists, imports and numbers: the small tools that all families share."""

from __future__ import annotations

import pytest

from autosota.agents.code.source import SourceFile
from autosota.agents.ideator.bindings import Bindings
from autosota.agents.ideator.calls import read_call, set_keywords
from autosota.agents.ideator.imports import add_from_import
from autosota.agents.ideator.notation import read_number, write_number
from autosota.agents.ideator.steps import Step, stepped


def first_call(code: str):
    source = SourceFile("a.py", code.encode())
    node = next(n for n in source.walk() if n.type == "call")
    return source, read_call(source, Bindings(source), node)


@pytest.mark.parametrize(
    ("imports", "use", "dotted"),
    [
        ("import torch", "torch.nn.Linear", "torch.nn.Linear"),
        ("import torch.nn", "torch.nn.Linear", "torch.nn.Linear"),
        ("import torch.nn as nn", "nn.Linear", "torch.nn.Linear"),
        ("from torch import nn", "nn.Linear", "torch.nn.Linear"),
        ("from torch.nn import Linear as L", "L", "torch.nn.Linear"),
        ("def f():\n    from torch import nn", "nn.Linear", "torch.nn.Linear"),
        ("from .nets import Linear", "Linear", ".nets.Linear"),
        ("import numpy", "nn.Linear", ""),
        ("from torch.nn import *", "Linear", ""),
        ("from torch import nn\nnn = other", "nn.Linear", ""),
        ("from torch import nn\ndef f(nn): pass", "nn.Linear", ""),
        ("from torch.nn import Linear\nclass Linear: pass", "Linear", ""),
        ("from torch import nn\nfor nn in x: pass", "nn.Linear", ""),
        ("try:\n    from torch import nn\nexcept ImportError:\n    nn = None", "nn.Linear", ""),
        ("from torch import nn\nclass A:\n    def nn(self): pass", "nn.Linear", "torch.nn.Linear"),
    ],
)
def test_a_name_means_what_the_imports_say(imports, use, dotted):
    _, call = first_call(f"{imports}\n{use}()\n")
    assert call.dotted == dotted


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f()", "f(k=2)"),
        ("f( )", "f(k=2 )"),
        ("f(1)", "f(1, k=2)"),
        ("f(1,)", "f(1, k=2)"),
        ("f(k=1)", "f(k=2)"),
        ("f( k = 1 )", "f( k = 2 )"),
        ("f(1, **o)", "f(1, **o, k=2)"),
        ("f(\n    1\n)", "f(\n    1,\n    k=2\n)"),
        ("f(\n    1,\n)", "f(\n    1,\n    k=2,\n)"),
        ("f(\n    1,  # one\n)", "f(\n    1,  # one\n    k=2,\n)"),
        ("f(\n    1  # one\n)", "f(\n    1,  # one\n    k=2\n)"),
        ("f(1,\n  2)", "f(1,\n  2, k=2)"),
        ("f(\n\t1,\n\t2)", "f(\n\t1,\n\t2, k=2)"),
    ],
)
def test_a_keyword_is_set_in_the_layout_of_the_call(before, after):
    source, call = first_call(before)
    assert source.apply(set_keywords(source, call, {"k": "2"})).decode() == after


HEAD = '"""Doc."""\n\nfrom __future__ import annotations\n\nimport os\n'
IMPORTS = [
    ("import os\n", "import os\nfrom m.a import N\n"),
    (HEAD, HEAD + "from m.a import N\n"),
    ('"""Doc."""\nx = 1\n', '"""Doc."""\n\nfrom m.a import N\nx = 1\n'),
    ("# note\nx = 1\n", "# note\nfrom m.a import N\n\nx = 1\n"),
    ("from m.a import Z\n", "from m.a import N, Z\n"),
    ("from m.a import A\n", "from m.a import A, N\n"),
    ("from m.a import Z, A\n", "from m.a import Z, A, N\n"),
    ("from m.a import A, b\n", "from m.a import A, N, b\n"),
    ("from m.a import (\n    A,\n    Z,\n)\n", "from m.a import (\n    A,\n    N,\n    Z,\n)\n"),
    ("from m.a import (\n    A,  # a\n)\n", "from m.a import (\n    A,  # a\n    N,\n)\n"),
    ("from m.a import (\n    A\n)\n", "from m.a import (\n    A,\n    N\n)\n"),
    ("from m.a import (A,\n                 B)\n", "from m.a import (A,\n                 B,\n"
     "                 N)\n"),
    ("import m.b\nimport z\n", "from m.a import N\nimport m.b\nimport z\n"),
    ("from m.0 import A\nfrom m.z import B\n", "from m.0 import A\nfrom m.a import N\nfrom m.z"
     " import B\n"),
    ("from m.z import A\nfrom m.b import B\n", "from m.z import A\nfrom m.b import B\nfrom m.a"
     " import N\n"),
    ("from m.a import *\n", "from m.a import *\nfrom m.a import N\n"),
    ("import os", "import os\nfrom m.a import N"),
    ("def f():\n    import m\n", "from m.a import N\n\ndef f():\n    import m\n"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), IMPORTS)
def test_an_import_is_added_in_the_style_of_the_file(before, after):
    source = SourceFile("a.py", before.encode())
    assert source.apply(add_from_import(source, "m.a", ["N"])).decode() == after


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("1_000", 1000), ("1e-3", 0.001), (".5", 0.5), ("-2", -2), ("x", None), ("", None),
     ("1.2.3", None), ("0x10", None), ("_1", None)],
)  # fmt: skip
def test_numbers_are_read(text, value):
    assert read_number(text) == value


@pytest.mark.parametrize(
    ("value", "like", "text"),
    [
        (3e-3, "1e-3", "3e-3"),
        (0.003, "0.001", "0.003"),
        (10.0, "1.0", "10.0"),
        (3000, "1_000", "3_000"),
        (15e-3, "5.0e-3", "1.5e-2"),
        (0.2, "2", "0.2"),
        (0.00001, "0.0001", "0.00001"),
    ],
)
def test_numbers_keep_their_notation(value, like, text):
    assert write_number(value, like) == text


@pytest.mark.parametrize(
    ("text", "step", "after"),
    [
        ("4", Step(2), "8"),
        ("1", Step(0.5), None),
        ("0", Step(10), None),
        ("0.0", Step(10), None),
        ("5", Step(0.5, least=3), None),
        ("0.6", Step(2, most=1), None),
        ("x", Step(2), None),
    ],
)
def test_a_step_stays_in_its_range(text, step, after):
    assert stepped(text, step) == after
