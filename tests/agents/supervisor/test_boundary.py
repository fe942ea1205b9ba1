"""Where the evaluation is, by what it computes and not by what it is called."""

from __future__ import annotations

from autosota.agents.code.tree import MemoryTree
from autosota.agents.domain import Objective, Protocol
from autosota.agents.supervisor.boundary import draw_boundary, matches


def test_evaluation_hidden_in_utils_is_found(repositories):
    boundary = draw_boundary(*repositories("package"))
    assert "fraud/utils.py::summary" in boundary.symbols
    assert not any("columns_of" in s for s in boundary.symbols)
    assert not any(s.startswith("fraud/model.py") for s in boundary.symbols)
    assert boundary.files == ("autosota.toml",)
    assert not boundary.unknown


def test_a_file_named_eval_that_holds_the_method_is_not_protected(repositories):
    boundary = draw_boundary(*repositories("eval_named"))
    assert "eval_knn.py" not in boundary.files
    assert "eval_knn.py" not in boundary.symbols
    assert not any("make_model" in s for s in boundary.symbols)
    assert any(s.startswith("eval_knn.py::main@") for s in boundary.symbols)


def test_a_separate_evaluator_is_protected_with_what_it_imports(repositories):
    boundary = draw_boundary(*repositories("separate"))
    assert {"evaluate.py", "scoring.py", "labels/test.csv", "data/test.csv"} <= set(boundary.files)
    assert "train.py" not in boundary.files


def test_a_function_that_trains_and_evaluates_is_bounded_by_statement(repositories):
    tree, objective = repositories("script")
    boundary = draw_boundary(tree, objective)
    assert "train.py::evaluate" in boundary.symbols
    assert "train.py::main" not in boundary.symbols
    assert any(s.startswith("train.py::main@") for s in boundary.symbols)
    assert not any("train_epoch" in s for s in boundary.symbols)


def test_declared_functions_are_always_in(repositories):
    boundary = draw_boundary(*repositories("trainer"))
    assert "trainer.py::Trainer.evaluate" in boundary.symbols


def test_every_shape_is_understood(repositories):
    for name in repositories.names():
        boundary = draw_boundary(*repositories(name))
        assert not boundary.unknown, (name, boundary.unknown)


def test_the_bundled_examples_are_understood(repositories):
    for name in ("digits", "mnist1d"):
        assert not draw_boundary(*repositories.example(name)).unknown


def test_what_is_declared_and_not_there_is_unknown():
    tree = MemoryTree({"a.py": b"print('METRIC x=1')\n"})
    protocol = Protocol(evaluation=("gone.py", "a.py::gone"))
    boundary = draw_boundary(tree, Objective("python a.py", "x", "x", protocol=protocol))
    assert sum("protocol.evaluation" in u for u in boundary.unknown) == 2


def test_a_metric_that_is_never_reported_is_unknown():
    tree = MemoryTree({"a.py": b"print('hello')\n"})
    boundary = draw_boundary(tree, Objective("python a.py", "acc", "acc"))
    assert any("how acc is computed" in u for u in boundary.unknown)


def test_an_empty_tree_has_a_boundary():
    boundary = draw_boundary(MemoryTree({}), Objective("python a.py", "acc", "acc"))
    assert not boundary.symbols and not boundary.files and boundary.unknown


def test_globs_match_folders_files_and_what_is_below():
    assert matches("data/a/b.csv", ("data/**",))
    assert matches("data/b.csv", ("./data/*.csv",))
    assert matches("data/b.csv", ("data",))
    assert not matches("database/b.csv", ("data/**",))
    assert not matches("src/data/b.csv", ("data/**",))
