"""A model's edits: what is carried out, and what is refused whoever asks for it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.domain import Boundary, Hypothesis, Objective, Protocol
from autosota.agents.ideator import NotApplicable, implement
from autosota.agents.ideator.combination import combination
from autosota.agents.ideator.with_model.answers import EditAnswer, IdeaAnswer, IdeasAnswer
from autosota.agents.ideator.with_model.edits import carried_out, mark_of
from autosota.agents.ideator.with_model.proposals import Proposed, read

TRAIN = '''\
"""Train."""

import argparse

import torch
from torch import nn

from evaluate import score


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = nn.Linear(8, width)
        self.last = nn.Linear(width, 2)

    def forward(self, x):
        return self.last(torch.relu(self.first(x)))


def fit(model, rows):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x, y in rows:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()


def never_called():
    return 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int)
    model = Net(16)
    fit(model, [])
    print(f"METRIC val_accuracy={score(model)}")


main()
'''
EVALUATE = "def score(model):\n    return 0.5\n"
OBJECTIVE = Objective(
    "python train.py --seed {seed}",
    metric="test_accuracy",
    select_on="val_accuracy",
    protocol=Protocol(evaluation=("evaluate.py",), data=("data/**",)),
)
BOUNDARY = Boundary(symbols=("evaluate.py::score",), files=("evaluate.py",))
FILES = {
    "train.py": TRAIN,
    "evaluate.py": EVALUATE,
    "autosota.toml": "[objective]\n",
    "data/loader.py": "x = 1\ny = 2\n",
    "tests/test_train.py": "def test_it():\n    pass\n",
    "link.py": "evaluate.py",
}


def tree(**changed: str) -> MemoryTree:
    files = {**FILES, **{k.replace("_py", ".py"): v for k, v in changed.items()}}
    return MemoryTree({k: v.encode() for k, v in files.items()})


def part(start: str, text: str = TRAIN) -> str:
    """A definition of a file, from its first line."""
    lines = text.split("\n")
    first = next(i for i, line in enumerate(lines) if line.startswith(start))
    last = first + 1
    while last < len(lines) and (not lines[last] or lines[last].startswith((" ", "\t"))):
        last += 1
    return "\n".join(lines[first:last]).rstrip()


FORWARD = part("class Net").split("    def forward")[1]
FIT = mark_of(part("def fit").encode())
NET = mark_of(part("class Net").encode())
WHOLE = mark_of(TRAIN.encode())
NEW_FIT = """\
def fit(model, rows):
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.001)
    for x, y in rows:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
"""


def idea(*edits: EditAnswer, **other: Any) -> IdeaAnswer:
    fields = {
        "title": "AdamW instead of SGD",
        "granularity": "CODE",
        "reason": "it adapts",
        "evidence": "Loshchilov & Hutter 2019",
        "expected": "faster",
        "risk": "LOW",
        "priority": "HIGH",
        "assumptions": [],
        "family": "Optimizer",
        "cost": 1.0,
        "imports": [],
        "edits": list(edits),
    }
    return IdeaAnswer(**{**fields, **other})


def proposed(*edits: EditAnswer, where: MemoryTree | None = None, **other: Any) -> Proposed:
    answer = IdeasAnswer([idea(*edits, **other)])
    (found,) = read(answer, where or tree(), OBJECTIVE, BOUNDARY)
    return found


def made(found: Proposed, path: str = "train.py") -> str:
    assert found.made is not None, found.problem
    return found.made.changes[path].decode()


def test_a_whole_function_is_written_anew() -> None:
    found = proposed(EditAnswer("train.py", "fit", FIT, "", NEW_FIT))
    assert made(found) == TRAIN.replace(part("def fit"), NEW_FIT.strip())
    assert found.idea.admissible and found.idea.provenance == "model"
    assert (found.idea.symbol, found.idea.place.line, found.idea.family) == ("fit", 21, "optimizer")


def test_text_is_replaced_within_a_symbol() -> None:
    edit = EditAnswer("train.py", "fit", FIT, "lr=0.1", "lr=0.05")
    other = EditAnswer("train.py", "fit", FIT, "torch.optim.SGD", "torch.optim.Adam")
    assert "torch.optim.Adam(model.parameters(), lr=0.05)" in made(proposed(edit, other))


def test_a_method_may_be_named_by_the_mark_of_its_class() -> None:
    code = "def forward(self, x):\n    return self.last(torch.tanh(self.first(x)))"
    found = made(proposed(EditAnswer("train.py", "Net.forward", NET, "", code)))
    assert "        return self.last(torch.tanh(self.first(x)))\n" in found


def test_helpers_and_imports_come_along() -> None:
    code = (
        "class Scale(nn.Module):\n    def forward(self, x):\n        return math.pi * x\n\n\n"
        + (NEW_FIT)
    )
    found = made(
        proposed(EditAnswer("train.py", "fit", FIT, "", code), imports=["import math", "import os"])
    )
    assert "import math\n" in found and "import os" not in found and "class Scale" in found


def test_tabs_and_line_ends_of_the_file_are_kept() -> None:
    text = TRAIN.replace("    ", "\t").replace("\n", "\r\n")
    where = tree(train_py=text)
    mark = mark_of(part("def fit", text.replace("\r\n", "\n")).encode())
    found = made(proposed(EditAnswer("train.py", "fit", mark, "", NEW_FIT), where=where))
    assert "\r\n\toptimizer = torch.optim.AdamW" in found
    assert "\n" not in found.replace("\r\n", "") and "    " not in found


REFUSED = {
    "the evaluator": ("evaluate.py", "score", mark_of(EVALUATE.strip().encode())),
    "the objective": ("autosota.toml", "", mark_of(b"[objective]\n")),
    "git": (".git/hooks/post-checkout", "", "0" * 12),
    "an absolute path": ("/etc/passwd", "", "0" * 12),
    "another absolute path": ("/train.py", "fit", FIT),
    "a way out": ("../train.py", "fit", FIT),
    "a way round": ("sub/../train.py", "fit", FIT),
    "a dot": ("./train.py", "fit", FIT),
    "a back slash": ("sub\\..\\train.py", "fit", FIT),
    "a home": ("~/train.py", "fit", FIT),
    "data": ("data/loader.py", "", mark_of(b"x = 1\ny = 2\n")),
    "a test": ("tests/test_train.py", "test_it", mark_of(b"def test_it():\n    pass")),
    "a link": ("link.py", "", mark_of(b"evaluate.py")),
    "a new file": ("sitecustomize.py", "", "0" * 12),
    "a look-alike": ("trаin.py", "fit", FIT),  # a Cyrillic a
    "a zero byte": ("train.py\x00", "fit", FIT),
    "what never runs": ("train.py", "never_called", mark_of(part("def never_called").encode())),
    "what is not there": ("train.py", "fitt", FIT),
    "another text": ("train.py", "fit", "0" * 12),
}


CLOSED = {
    "the evaluator": "on the evaluation side",
    "data": "protected by [protocol]",
    "a test": "a data, test or third-party folder",
    "what never runs": "never used by this experiment",
}
"""Edits that only the objective forbids: they could be carried out."""


@pytest.mark.parametrize("what", REFUSED)
def test_what_may_not_be_changed(what: str) -> None:
    path, symbol, base = REFUSED[what]
    code = f"def {symbol}(*_):\n    return 3\n" if symbol else "x = 3"
    edit = EditAnswer(path, symbol, base, "" if symbol else "x = 1", code)
    found = proposed(edit)
    assert found.made is None and not found.idea.admissible
    assert CLOSED.get(what, "") in found.problem and "\n" not in found.problem
    with pytest.raises(NotApplicable):
        implement(found.idea, tree())
    if what in CLOSED:
        assert carried_out([edit], [], tree()).changes
    else:  # not even when somebody says it is admissible
        with pytest.raises(NotApplicable):
            implement(replace(found.idea, admissible=True), tree())


def test_a_link_is_no_file_even_when_it_reads_like_one() -> None:
    class Linked(MemoryTree):
        def is_link(self, path: str) -> bool:
            return path == "train.py"

    where = Linked({k: v.encode() for k, v in FILES.items()})
    found = proposed(EditAnswer("train.py", "fit", FIT, "", NEW_FIT), where=where)
    assert found.made is None and "link" in found.problem


CODE = {
    "no Python": "def fit(model, rows:",
    "another name": NEW_FIT.replace("def fit", "def fat"),
    "a statement beside it": NEW_FIT + "\nprint('hello')\n",
    "the name of something else": NEW_FIT + "\n\ndef main():\n    pass\n",
    "turned text": NEW_FIT.replace("optimizer.step()", "optimizer.step()  # \u202e"),
    "hidden text": NEW_FIT.replace("rows:", "rows:\u200b"),
    "look-alike names": NEW_FIT.replace("optimizer", "оptimizer"),
    "wide names": NEW_FIT.replace("torch.optim.AdamW(", "ｅｖａｌ("),
    "a secret that was taken out": NEW_FIT.replace("0.001", "float('[redacted]')"),
    "far too much": NEW_FIT + "#" * 50_000,
}


@pytest.mark.parametrize("what", CODE)
def test_code_that_is_not_what_it_looks_like(what: str) -> None:
    found = proposed(EditAnswer("train.py", "fit", FIT, "", CODE[what]))
    assert found.made is None and found.problem


@pytest.mark.parametrize(
    "line",
    ["import os; os.system('x')", "from . import x", "from os import *", "x = 1", "import ("],
)
def test_an_import_line_is_an_import_line(line: str) -> None:
    found = proposed(EditAnswer("train.py", "fit", FIT, "", NEW_FIT), imports=[line])
    assert found.made is None


def test_the_call_of_the_evaluator_is_closed_too() -> None:
    boundary = Boundary(symbols=("train.py::main", "evaluate.py::score"), files=("evaluate.py",))
    edit = EditAnswer("train.py", "", WHOLE, "score(model)", "0.99")
    (found,) = read(IdeasAnswer([idea(edit)]), tree(), OBJECTIVE, boundary)
    assert found.made is None and "evaluation" in found.problem
    whole = EditAnswer("train.py", "main", mark_of(part("def main").encode()), "", part("def main"))
    (found,) = read(IdeasAnswer([idea(whole)]), tree(), OBJECTIVE, boundary)
    assert found.made is None and "evaluation" in found.problem


def test_an_idea_goes_with_others_and_never_on_text_that_moved() -> None:
    one = proposed(EditAnswer("train.py", "fit", FIT, "lr=0.1", "lr=0.05")).idea
    two = proposed(EditAnswer("train.py", "Net", NET, "torch.relu", "torch.tanh")).idea
    both = combination([one, two])
    changes = implement(both, tree(), {one.id: one, two.id: two}).changes
    assert b"lr=0.05" in changes["train.py"] and b"torch.tanh" in changes["train.py"]
    moved = tree(train_py=TRAIN.replace("zero_grad()", "zero_grad(set_to_none=True)"))
    assert b"lr=0.05" in implement(one, moved).changes["train.py"]
    whole = proposed(EditAnswer("train.py", "fit", FIT, "", NEW_FIT)).idea
    with pytest.raises(NotApplicable, match="not the text any more"):
        implement(whole, moved)
    with pytest.raises(NotApplicable, match="occurs 0 times"):
        implement(one, tree(train_py=TRAIN.replace("lr=0.1", "lr=0.2")))
    stale = EditAnswer("train.py", "fit", FIT, "lr=0.1", "lr=0.05")
    assert "not the text any more" in proposed(stale, where=moved).problem


def test_broken_arguments_are_refused(tmp_path: Any) -> None:
    good: Hypothesis = proposed(EditAnswer("train.py", "fit", FIT, "lr=0.1", "lr=0.05")).idea
    for text in ("", "{}", "[]", json.dumps({"edits": [{"path": 1}], "imports": []})):
        with pytest.raises(NotApplicable):
            implement(replace(good, arguments={"edits": text}), tree())
    with pytest.raises(NotApplicable):
        carried_out([], [], tree())


def test_words_of_a_model_are_one_plain_line() -> None:
    edit = EditAnswer("train.py", "fit", FIT, "lr=0.1", "lr=0.05")
    found = proposed(edit, title="a\n\x1b[31mred\u202e" + "x" * 500, cost=float("nan")).idea
    assert "\n" not in found.title and "\x1b" not in found.title and len(found.title) <= 120
    assert found.cost == 1.0
    assert proposed(edit, cost=1e9).idea.cost == 10.0
