from __future__ import annotations

import ast

import pytest

from autosota.agents.code.facts import file_facts
from autosota.agents.code.tree import MemoryTree
from autosota.agents.domain import Boundary, Objective, Protocol
from autosota.agents.ideator import propose

MODEL = (
    "from sklearn.svm import LinearSVC\n\n\n"
    "def build():\n    return LinearSVC(C=1.0)\n\n\nm = build()\n"
)


def found(files: dict[str, str], command="python run.py", boundary=(), **protocol) -> set[str]:
    """The places, as `path::symbol`, that get ideas."""
    objective = Objective(command, metric="m", select_on="v", protocol=Protocol(**protocol))
    tree = MemoryTree({path: text.encode() for path, text in files.items()})
    ideas = propose(tree, objective, Boundary(symbols=tuple(boundary)))
    return {f"{i.place.path}::{i.symbol}" for i in ideas}


@pytest.mark.parametrize(
    "path",
    ["tests/run.py", "test_run.py", "data/make.py", "setup.py", ".hidden/a.py", "labels/x.py"],
)
def test_closed_files_get_no_idea(path):
    assert found({path: MODEL}, command=f"python {path}") == set()
    assert found({"run.py": MODEL}) == {"run.py::build"}


def test_declared_evaluation_and_data_are_closed():
    assert found({"run.py": MODEL}, evaluation=("run.py",)) == set()
    assert found({"run.py": MODEL}, evaluation=("run.py::build",)) == set()
    assert found({"a/run.py": MODEL}, command="python a/run.py", data=("a/**",)) == set()
    assert found({"run.py": MODEL}, boundary=["run.py::build"]) == set()
    assert found({"run.py": MODEL}, boundary=["run.py::other"]) == {"run.py::build"}


def test_only_code_that_the_command_reaches_gets_ideas():
    files = {
        "run.py": "from lib.model import build\nbuild().fit(X, y)\n",
        "lib/__init__.py": "",
        "lib/model.py": MODEL,
        "old.py": MODEL,
    }
    assert found(files) == {"lib/model.py::build"}
    assert found(files, command="python -m lib.model") == {"lib/model.py::build"}
    assert found(files, command="./run.sh") == {"lib/model.py::build", "old.py::build"}
    dynamic = files | {"run.py": "import importlib\nimportlib.import_module(name)\n"}
    assert "old.py::build" in found(dynamic)


def test_relative_imports_are_followed():
    files = {
        "pkg/__init__.py": "",
        "pkg/run.py": "from .model import build\nfrom . import other\n",
        "pkg/model.py": MODEL,
        "pkg/other.py": MODEL,
    }
    places = found(files, command="python -m pkg.run")
    assert places == {"pkg/model.py::build", "pkg/other.py::build"}


def test_code_next_to_a_syntax_error_is_left_alone():
    broken = MODEL + "\n\ndef later(:\n    pass\n"
    assert found({"run.py": broken}) <= {"run.py::build"}
    inside = MODEL.replace("return LinearSVC(C=1.0)", "x = (\n    return LinearSVC(C=1.0)")
    assert found({"run.py": inside}) == set()


def test_a_statement_of_the_boundary_is_left_alone():
    code = (
        "from sklearn.svm import LinearSVC\n\n\ndef main():\n    one = LinearSVC(C=1.0)\n"
        "    two = LinearSVC(C=2.0)\n    print(one, two)\n\n\nmain()\n"
    )
    facts = file_facts("run.py", code.encode())
    statement = next(s for s in facts.statements if ast.unparse(s.node).startswith("two"))
    named = f"run.py::main@{statement.fingerprint}"
    objective = Objective("python run.py", metric="m", select_on="v")
    tree = MemoryTree({"run.py": code.encode()})
    ideas = propose(tree, objective, Boundary(symbols=(named,)))
    assert {i.place.line for i in ideas} == {5}
    assert {i.place.line for i in propose(tree, objective, Boundary())} == {5, 6}


def test_a_number_that_evaluation_reads_too_stays():
    code = (
        "from sklearn.neighbors import KNeighborsClassifier\nK = 5\n\n\n"
        "def build():\n    return KNeighborsClassifier(K)\n\n\n"
        "def evaluate(model):\n    return top(model, {})\n\n\nevaluate(build())\n"
    )
    for used, expected in (("K", False), ("3", True)):
        objective = Objective("python run.py", metric="m", select_on="v")
        tree = MemoryTree({"run.py": code.format(used).encode()})
        ideas = propose(tree, objective, Boundary(symbols=("run.py::evaluate",)))
        assert ("neighbour-count" in {i.transformation for i in ideas}) is expected
