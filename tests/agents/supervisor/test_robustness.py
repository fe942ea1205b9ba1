"""No tree makes the audit crash or hang, and what it cannot read it does not clear."""

from __future__ import annotations

import random

import pytest

from autosota.agents.code.tree import MemoryTree, PatchedTree
from autosota.agents.domain import Decision, Objective
from autosota.agents.supervisor.audit import audit
from autosota.agents.supervisor.boundary import draw_boundary

OBJECTIVE = Objective("python train.py", "acc", "acc")
GOOD = b"import json\nx = json.load(open('d.json'))\nprint(f\"METRIC acc={sum(x) / len(x)}\")\n"

STRANGE = {
    "nul": b"x = 1\x00\n",
    "utf16": "x = 1\n".encode("utf-16"),
    "latin": b"# -*- coding: latin-1 -*-\nname = '\xe9'\n",
    "bom": b"\xef\xbb\xbf" + GOOD,
    "crlf": GOOD.replace(b"\n", b"\r\n"),
    "formfeed": b"\x0c" + GOOD,
    "tabs": b"if True:\n\tprint(1)\n        print(2)\n",
    "python2": b"print 'METRIC acc=%f' % 1.0\nexec 'x = 1'\nraise ValueError, 'x'\n",
    "magic": b"%matplotlib inline\n!pip install x\n" + GOOD,
    "brackets": b"(" * 5000,
    "nested": b"x = " + b"(" * 3000 + b"1" + b")" * 3000 + b"\n",
    "plus": b"x = " + b" + ".join([b"1"] * 4000) + b"\n",
    "elif": b"if a: pass\n" + b"elif a: pass\n" * 1500,
    "indent": b"".join(b" " * n + b"if x:\n" for n in range(99)) + b" " * 99 + b"pass\n",
    "long": GOOD + b"y = 1\n" * 200_000,
    "chain": b"x = 0\n" + b"x = x + 1\n" * 3000 + b"print(f'METRIC acc={x}')\n",
    "appends": b"x = []\n" + b"x.append(1)\n" * 2000 + b"print(f'METRIC acc={len(x)}')\n",
    "recursive": b"def f(n):\n    return f(n - 1) + g(n)\ndef g(n):\n    return f(n)\nf(3)\n",
    "loops": b"".join(b" " * n + b"for i%d in x:\n" % n for n in range(40))
    + b" " * 40
    + b"y += 1\n",
    "selfimport": b"import train\nfrom train import *\n",
    "empty": b"",
    "binary": bytes(range(256)) * 50,
    "cycle": b"class A:\n    def __init__(self):\n        self.me = self\n"
    b"print(f'METRIC acc={A()}')\n",
}


@pytest.mark.parametrize("name", sorted(STRANGE))
def test_a_strange_file(name):
    strange = STRANGE[name]
    for old, new in ((GOOD, strange), (strange, GOOD), (strange, strange + b"\nz = 1\n")):
        tree = MemoryTree({"train.py": old})
        draw_boundary(tree, OBJECTIVE)
        verdict = audit(tree, PatchedTree(tree, {"train.py": new}), OBJECTIVE)
        assert isinstance(verdict.decision, Decision)


@pytest.mark.parametrize("name", ["nul", "utf16", "brackets", "binary", "long", "python2"])
def test_what_cannot_be_read_is_not_cleared(name):
    tree = MemoryTree({"train.py": GOOD})
    verdict = audit(tree, PatchedTree(tree, {"train.py": STRANGE[name]}), OBJECTIVE)
    assert verdict.decision is not Decision.CLEARED


def test_empty_trees():
    empty = MemoryTree({})
    full = MemoryTree({"train.py": GOOD})
    assert audit(empty, empty, OBJECTIVE).decision is Decision.CLEARED
    assert audit(empty, full, OBJECTIVE).decision is not Decision.CLEARED
    assert audit(full, empty, OBJECTIVE).decision is not Decision.CLEARED


def test_odd_paths():
    tree = MemoryTree({"train.py": GOOD, "a b/ü.py": b"x = 1\n", "\udcff.py": b"x = 1\n"})
    changes = {"a b/ü.py": b"x = 2\n", "\udcff.py": b"x = 2\n"}
    assert audit(tree, PatchedTree(tree, changes), OBJECTIVE).decision is Decision.CLEARED


@pytest.mark.parametrize("seed", range(6))
def test_mutated_repositories(repositories, seed):
    """Lines dropped, doubled, cut and swapped: whatever it is, there is a verdict."""
    rng = random.Random(seed)
    for name in repositories.names():
        tree, objective = repositories(name)
        paths = [p for p in tree.files() if p.endswith(".py")]
        changes: dict[str, bytes | None] = {}
        for path in rng.sample(paths, min(2, len(paths))):
            lines = tree.read(path).split(b"\n")
            for _ in range(rng.randint(1, 5)):
                at = rng.randrange(len(lines))
                kind = rng.randrange(5)
                if kind == 0:
                    del lines[at : at + 1]
                elif kind == 1:
                    lines.insert(at, lines[rng.randrange(len(lines))])
                elif kind == 2:
                    lines[at] = lines[at][: rng.randint(0, len(lines[at]))]
                elif kind == 3:
                    lines[at] = lines[at].replace(b"(", b"[", 1)
                else:
                    lines[at] = bytes(rng.randrange(256) for _ in range(20))
                lines = lines or [b""]
            changes[path] = b"\n".join(lines)
        verdict = audit(tree, PatchedTree(tree, changes), objective)
        assert isinstance(verdict.decision, Decision)
