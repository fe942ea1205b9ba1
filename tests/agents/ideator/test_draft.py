from __future__ import annotations

import pytest

from autosota.agents.code.source import Edit
from autosota.agents.code.tree import MemoryTree
from autosota.agents.ideator.draft import Draft, NotApplicable
from autosota.agents.ideator.module import Project


def draft_of(code: str) -> Draft:
    module = Project(MemoryTree({"a.py": code.encode()})).module("a.py")
    assert module is not None
    return Draft(module)


def node_of(draft: Draft, text: str):
    return next(n for n in draft.module.nodes if draft.module.text(n) == text)


def test_a_change_that_does_not_parse_is_refused():
    draft = draft_of("x = 1\n")
    draft.replace(node_of(draft, "1"), "(")
    with pytest.raises(NotApplicable, match="would not parse"):
        draft.finish()


def test_what_python_refuses_is_refused_even_where_the_grammar_does_not():
    draft = draft_of("f(a=1)\n")
    draft.replace(node_of(draft, "1"), "1, a=2")
    with pytest.raises(NotApplicable):
        draft.finish()


def test_edits_that_collide_are_refused():
    draft = draft_of("x = 12\n")
    node = node_of(draft, "12")
    draft.edit(node, [Edit(4, 6, b"3"), Edit(5, 6, b"4")])
    with pytest.raises(NotApplicable, match="collide"):
        draft.finish()


def test_a_change_of_nothing_is_refused():
    draft = draft_of("x = 1\n")
    with pytest.raises(NotApplicable, match="nothing to change"):
        draft.finish()
    draft.replace(node_of(draft, "1"), "1")
    with pytest.raises(NotApplicable, match="nothing to change"):
        draft.finish()


@pytest.mark.parametrize("line", ["a(); b()", "if x: a()", "for i in a(): pass"])
def test_lines_are_not_added_where_statements_share_one(line):
    draft = draft_of(line + "\n")
    found = [n for n in draft.module.nodes if draft.module.text(n) == "a()"]
    statement = next((n for n in found if n.type == "expression_statement"), found[0])
    while statement.parent.type not in ("module", "block"):
        statement = statement.parent
    if line.startswith("for"):
        draft.after(statement, ["c()"])
        assert draft.finish().changes["a.py"] == b"for i in a(): pass\nc()\n"
        return
    with pytest.raises(NotApplicable, match="more than one statement"):
        draft.after(statement, ["c()"])


def test_added_lines_follow_the_indentation_of_the_file():
    draft = draft_of("def f():\n  a()\n  return 1\n")
    draft.before(node_of(draft, "return 1"), ["if x:", "    b()"])
    assert draft.finish().changes["a.py"] == b"def f():\n  a()\n  if x:\n    b()\n  return 1\n"


SPELLINGS = [
    ("import torch\n", "torch.nn.Dropout", "torch.nn.Dropout", ""),
    ("import torch.nn as nn\n", "torch.nn.Dropout", "nn.Dropout", ""),
    ("from torch.nn import Dropout as D\n", "torch.nn.Dropout", "D", ""),
    ("import sklearn\n", "sklearn.svm.SVC", "SVC", "from sklearn.svm import SVC"),
    ("import sklearn.svm\n", "sklearn.svm.SVC", "SVC", "from sklearn.svm import SVC"),
    ("import sklearn.svm as s\n", "sklearn.svm.SVC", "s.SVC", ""),
    ("from sklearn import svm\n", "sklearn.svm.SVC", "svm.SVC", ""),
    ("from torch.optim import Adam\n", "torch.optim.AdamW", "AdamW",
     "from torch.optim import Adam, AdamW"),
]  # fmt: skip


@pytest.mark.parametrize(("head", "dotted", "spelled", "line"), SPELLINGS)
def test_a_library_name_is_spelled_the_way_of_the_file(head, dotted, spelled, line):
    draft = draft_of(head + "x = 1\n")
    assert draft.spell(dotted) == spelled
    draft.replace(node_of(draft, "1"), spelled)
    after = draft.finish().changes["a.py"].decode()
    assert line in after
    assert line or after == head + f"x = {spelled}\n"


def test_a_name_that_means_something_else_is_not_taken():
    draft = draft_of("class SVC:\n    pass\n")
    with pytest.raises(NotApplicable, match="SVC means something else"):
        draft.spell("sklearn.svm.SVC")


@pytest.mark.parametrize(
    ("code", "after"),
    [
        ("from m import A\nx = A()\n", "x = B()\n"),
        ("from m import A, C\nx = A()\n", "from m import C\nx = B()\n"),
        ("from m import C, A\nx = A()\n", "from m import C\nx = B()\n"),
        (
            "from m import A\nx = A()\n__all__ = ['A']\n",
            "from m import A\nx = B()\n__all__ = ['A']\n",
        ),
        ("from m import A\nx = A()\ny = A()\n", "from m import A\nx = B()\ny = A()\n"),
    ],
)
def test_an_import_that_nothing_uses_any_more_goes(code, after):
    draft = draft_of(code)
    call = draft.module.calls[0]
    draft.replace(call.function, "B")
    draft.retire(call)
    assert draft.finish().changes["a.py"].decode() == after
