from __future__ import annotations

import ast
from dataclasses import replace

import pytest

from autosota.agents.code.tree import MemoryTree, PatchedTree
from autosota.agents.domain import Boundary, Objective, Protocol
from autosota.agents.ideator import NotApplicable
from autosota.agents.ideator.null import COMMENT, null_patch
from autosota.agents.supervisor.audit import audit

OBJECTIVE = Objective("python train.py", metric="test_a", select_on="val_a")
HEADS = {
    "x = 1\n": 1,
    "": 1,
    '"""Doc."""\n': 2,
    '"""Doc."""': 2,
    '"""Doc\n\nstring."""\nfrom __future__ import annotations\nx = 1\n': 5,
    "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\nx = 1\n": 3,
    "# ours\n# vim: set fileencoding=utf-8 :\nx = 1\n": 3,
    "#!/usr/bin/env python\n# ours\nx = 1\n": 2,
    "# ours\nfrom __future__ import annotations\n\n\nx = 1\n": 3,
    "\ufeffx = 1\n": 1,
    "if 1:\n    pass": 1,
    "'''a'''; y = 1\nx = 1\n": 2,
}


def planted(code: str) -> str:
    (content,) = null_patch(MemoryTree({"train.py": code.encode()}), OBJECTIVE, Boundary()).values()
    return content.decode()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("code", HEADS)
def test_the_comment_follows_what_has_to_come_first(code, newline):
    written = code.replace("\n", newline)
    after = planted(written)
    lines = after.removeprefix("\ufeff").split("\n")
    assert lines.pop(HEADS[code] - 1).rstrip("\r") == COMMENT.decode()
    assert "\n".join(lines).rstrip() == written.removeprefix("\ufeff").rstrip()
    assert after.count("\r\n") == (after.count("\n") if "\r\n" in written else 0)
    assert ast.dump(ast.parse(after.encode())) == ast.dump(ast.parse(written.encode()))


def test_where_a_comment_would_mean_something_another_file_is_taken():
    entry = b'"""Doc."""; text = """\nx"""\nimport helper\n'
    tree = MemoryTree({"train.py": entry, "helper.py": b"y = 1\n"})
    assert null_patch(tree, OBJECTIVE, Boundary()) == {"helper.py": COMMENT + b"\ny = 1\n"}


def test_protected_files_are_left_alone():
    tree = MemoryTree({"train.py": b"import helper\n", "helper.py": b"y = 1\n", "z.py": b"z = 1\n"})
    closed = Boundary(files=("train.py",))
    assert set(null_patch(tree, OBJECTIVE, Boundary())) == {"train.py"}
    assert set(null_patch(tree, OBJECTIVE, closed)) == {"helper.py"}
    rest = replace(OBJECTIVE, protocol=Protocol(evaluation=("helper.py",)))
    with pytest.raises(NotApplicable, match=r"no Python file that 'python train.py' runs"):
        null_patch(tree, rest, closed)
    with pytest.raises(NotApplicable, match="no Python file that 'make train' runs"):
        null_patch(tree, replace(OBJECTIVE, command="make train"), Boundary())


def test_the_audit_sees_no_change_in_it(bench, each_sample):
    tree = bench.tree(each_sample)
    boundary = Boundary(symbols=bench.symbols)
    changed = PatchedTree(tree, null_patch(tree, bench.objective, boundary))
    assert changed.read("train.py") != tree.read("train.py")
    verdict = audit(tree, changed, bench.objective)
    assert (verdict.findings, verdict.changed) == ((), ())
