"""Dictionaries that only remember answers are read away, and no others."""

from __future__ import annotations

import ast

import pytest

from autosota.agents.code.memo import remembered_away
from autosota.agents.code.program import Program
from autosota.agents.code.tree import MemoryTree

PLAIN = """class Words:
    def __init__(self):
        self.known = {}

    def pieces(self, word):
        if word not in self.known:
            made = tuple(word)
            self.known[word] = made
        return self.known[word]
"""
EARLY = """known = {}


def pieces(word):
    if word in known:
        return known[word]
    known[word] = tuple(word)
    return known[word]
"""


def body(text: str) -> str | None:
    """What is left of the function `pieces`; None when it is as it was."""
    facts = Program(MemoryTree({"m.py": text.encode()})).facts("m.py")
    for node in ast.walk(facts.tree):
        if isinstance(node, ast.FunctionDef) and node.name == "pieces":
            made = remembered_away(node, facts.tree)
            if made is node.body:
                return None
            return "; ".join(ast.unparse(ast.fix_missing_locations(s)) for s in made)
    raise AssertionError("no function pieces")


@pytest.mark.parametrize("text", [PLAIN, EARLY])
def test_what_only_remembers_is_read_away(text):
    left = body(text)
    assert left is not None
    assert "known" not in left and "tuple(word)" in left and left.endswith("return <answer>")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def pieces(self, word)", "def pieces(self, word, rows)"),  # and uses it:
        ("if word not in self.known", "if len(word) not in self.known"),
        ("        return self.known[word]", "        return list(self.known.values())"),
        ("self.known = {}", "self.known = load()"),
        (
            "            made = tuple(word)",
            "            word = word.lower()\n            made = word",
        ),
        ("        return self.known[word]", "        self.known.clear()\n        return 1"),
    ],
)
def test_what_may_do_more_is_left_as_it_is(old, new):
    text = PLAIN.replace(old, new)
    if "rows" in new:
        text = text.replace("tuple(word)", "tuple(rows)")
    assert text != PLAIN
    assert body(text) is None


def test_a_dictionary_that_somebody_else_reads_is_left_as_it_is():
    assert body(PLAIN + "\n    def all(self):\n        return len(self.known)\n") is None
