"""What one file says, and when two pieces of code mean the same."""

from __future__ import annotations

import pytest

from autosota.agents.code.facts import MODULE, file_facts


def _function(text: str, name: str = "f") -> str:
    return file_facts("a.py", text.encode()).symbols[name].fingerprint


BASE = "def f(a, b):\n    c = a + b\n    return c * 2\n"


@pytest.mark.parametrize(
    "text",
    [
        'def f(a: int, b: "x") -> float:\n    """Doc."""\n    c: int = a + b  # s\n'
        "    return (c * 2)\n",
        "def f(x, y):\n    total = x + y\n    return total * 2\n",
        "def f(a, b):\n    print('adding', a)\n    c = a + b\n"
        "    logger.info('%s', c)\n    return c * 2\n",
        "def f(a,\n      b):\n    c = (a\n         + b)\n    return c*2\n",
        "def g(): pass\n\ndef f(a, b):\n    pass\n    c = a + b\n    return c * 2\n",
    ],
)
def test_the_same_meaning_has_the_same_fingerprint(text):
    assert _function(text) == _function(BASE)


@pytest.mark.parametrize(
    "text",
    [
        "def f(a, b):\n    c = a + b\n    return c * 3\n",
        "def f(a, b):\n    c = a - b\n    return c * 2\n",
        "def f(b, a):\n    c = a * b\n    return c * 2\n",
        "def f(a, b=1):\n    c = a + b\n    return c * 2\n",
        "@cache\ndef f(a, b):\n    c = a + b\n    return c * 2\n",
        "def f(a, b):\n    c = a + b\n    print('METRIC c=1')\n    return c * 2\n",
        "def f(a, b):\n    c = a + b\n    print(store.pop())\n    return c * 2\n",
        "def f(a, b):\n    global c\n    c = a + b\n    return c * 2\n",
    ],
)
def test_another_meaning_has_another_fingerprint(text):
    assert _function(text) != _function(BASE)


def test_imports_may_be_spelled_in_any_way():
    one = "import numpy as np\ndef f(x):\n    return np.mean(x)\n"
    two = "import numpy\ndef f(x):\n    return numpy.mean(x)\n"
    other = "import cupy as np\ndef f(x):\n    return np.mean(x)\n"
    assert _function(one) == _function(two) != _function(other)


def test_quotes_and_numbers_are_values():
    assert _function('def f():\n    return "a" "b", 1e-3\n') == _function(
        "def f():\n    return 'ab', 0.001\n"
    )


def test_imports_symbols_constants_and_calls():
    facts = file_facts(
        "pkg/a.py",
        b"from . import b\nfrom ..c import d as e\nimport x.y\nK = 3\n"
        b"class A:\n    size = 4\n    def m(self):\n        return e(x.y.z(K))\n",
    )
    assert facts.bound == {"b": ".b", "e": "..c.d", "x": "x"}
    assert list(facts.symbols) == ["A", "A.m"]
    assert {k: v.value for k, v in facts.constants.items()} == {"K": 3, "A.size": 4}
    assert [name for name, _ in facts.calls] == ["..c.d", "x.y.z"]


def test_statements_know_their_symbol_and_line():
    facts = file_facts("a.py", b"x = 1\ndef f():\n    if x:\n        y = 2\n")
    assert [(s.symbol, s.line) for s in facts.statements] == [
        (MODULE, 1),
        (MODULE, 2),
        ("f", 3),
        ("f", 4),
    ]


def test_a_parameter_list_that_does_not_parse_is_broken():
    assert file_facts("a.py", b"x = 1\ndef broken(:\n    pass\n").broken
    assert not file_facts("a.py", b"x = 1\n").broken


def test_magics_of_a_notebook_do_not_break_a_file():
    facts = file_facts("a.py", b"%matplotlib inline\nx = 1\n!ls\ndef f():\n    return x\n")
    assert not facts.broken and "f" in facts.symbols


def test_places_count_characters_from_one():
    facts = file_facts("a.py", "é = 'ü'; x = 1\n".encode())
    place = facts.statements[1].place
    assert (place.line, place.column, place.end_column) == (1, 10, 15)


def test_a_file_too_large_or_binary_is_unreadable():
    assert file_facts("a.py", b"x = 1\n" * 300_000).unreadable
    assert file_facts("a.py", b"\x00\x01").unreadable
