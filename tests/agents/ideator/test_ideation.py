from __future__ import annotations

from dataclasses import replace

import pytest

from autosota.agents.code.tree import MemoryTree, PatchedTree
from autosota.agents.domain import Boundary, Level, Objective, Protocol
from autosota.agents.ideator import NotApplicable, implement, propose


def test_proposing_is_deterministic(bench, each_sample):
    assert bench.ideas(each_sample) == bench.ideas(each_sample)


def test_identifiers_do_not_depend_on_other_ideas_or_lines(bench, sample):
    code = sample("steps")
    before = {i.id for i in bench.ideas(code)}
    moved = "# a new first line\n" + code.replace(
        "import argparse\n", "import argparse\nimport os\n"
    )
    assert {i.id for i in bench.ideas(moved)} == before
    without_schedule = code.replace("range(args.steps)", "count()")
    assert {i.id for i in bench.ideas(without_schedule)} < before


def test_ideas_stack_on_each_other_in_any_order(bench, sample):
    code = sample("convnet")
    wanted = ["cosine-schedule", "batch-norm", "label-smoothing", "nesterov", "clip-gradients"]
    ideas = {i.transformation: i for i in bench.ideas(code)}
    results = []
    for order in (wanted, wanted[::-1]):
        tree = bench.tree(code)
        for name in order:
            tree = MemoryTree(implement(ideas[name], tree).changes)
        results.append(tree.read("train.py"))
    assert results[0] == results[1]


def test_an_idea_finds_its_lever_after_the_file_moved(bench, sample):
    code = sample("forest")
    idea = next(i for i in bench.ideas(code) if i.transformation == "split-criterion")
    moved = MemoryTree({"train.py": b'"""A docstring."""\n\n\nimport os\n\n' + code.encode()})
    assert b'criterion="entropy"' in implement(idea, moved).changes["train.py"]


def test_a_changed_number_is_not_stepped_from_where_it_was(bench, sample):
    code = sample("steps")
    idea = next(
        i for i in bench.ideas(code) if i.transformation == "learning-rate" and "3e-2" in i.title
    )
    changed = bench.tree(code.replace("default=1e-2", "default=5e-2"))
    with pytest.raises(NotApplicable, match=r"train\.py: 'optimizer, lr' is not there"):
        implement(idea, changed)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"transformation": "magic"}, "no transformation is called 'magic'"),
        ({"admissible": False, "admissible_reason": "R1"}, "not admissible: R1"),
        ({"symbol": "elsewhere"}, "is not there as expected"),
    ],
)
def test_what_cannot_be_implemented_says_why(change, reason, bench, sample):
    idea = replace(bench.ideas(sample("steps"))[0], **change)
    with pytest.raises(NotApplicable, match=reason):
        implement(idea, bench.tree(sample("steps")))


def test_a_missing_file_is_not_applicable(bench, sample):
    idea = bench.ideas(sample("steps"))[0]
    with pytest.raises(NotApplicable, match=r"train\.py is not a readable Python file"):
        implement(idea, PatchedTree(bench.tree(sample("steps")), {"train.py": None}))


def test_two_places_that_look_alike_are_told_apart(bench):
    code = (
        "from sklearn.linear_model import Ridge\n"
        "a = Ridge(alpha=1.0).fit(X, y)\n"
        "a = Ridge(alpha=1.0).fit(Z, y)\n"
    )
    ideas = [i for i in bench.ideas(code) if i.transformation == "penalty" and "10.0" in i.title]
    assert len(ideas) == 2
    once = implement(ideas[0], bench.tree(code)).changes
    both = implement(ideas[1], MemoryTree(once)).changes["train.py"]
    assert both.count(b"alpha=10.0") == 2
    with pytest.raises(NotApplicable):
        implement(ideas[0], MemoryTree(once))


def test_twins_that_cannot_be_told_apart_are_not_offered(bench):
    code = "from sklearn.linear_model import Ridge\nm = Ridge()\nm = Ridge()\n"
    assert bench.ideas(code) == []


def test_settings_in_another_file_are_changed_there(bench):
    code = "from settings import C\nfrom sklearn.svm import LinearSVC\nmodel = LinearSVC(C=C)\n"
    settings = "# tuned by hand\nC = 0.5\n"
    idea = next(i for i in bench.ideas(code, settings=settings) if "5.0" in i.title)
    done = implement(idea, bench.tree(code, settings=settings))
    assert done.changes == {"settings.py": b"# tuned by hand\nC = 5.0\n"}
    assert idea.place.path == "train.py"
    assert done.anchors[0].path == "settings.py"


def test_priority_falls_along_the_list_and_costs_are_said(bench, sample):
    ideas = bench.ideas(sample("steps"))
    levels = [i.priority for i in ideas]
    assert levels == sorted(levels, key=[Level.HIGH, Level.MEDIUM, Level.LOW].index)
    longer = next(i for i in ideas if i.transformation == "epochs")
    assert "a run takes about 1.5 times as long" in longer.assumptions
    assert any("compute" in a for a in longer.assumptions)


def test_an_idea_knows_its_family_and_its_cost(bench, sample):
    ideas = {i.transformation: i for i in bench.ideas(sample("steps"))}
    assert (ideas["epochs"].family, ideas["epochs"].cost) == ("training-length", 1.5)
    assert (ideas["label-smoothing"].family, ideas["label-smoothing"].cost) == ("loss", 1.0)


def test_temptations_are_shown_last_and_never_run(bench, sample):
    found = propose(bench.tree(sample("steps")), bench.objective, Boundary(symbols=bench.symbols))
    shown = [i for i in found if not i.admissible]
    assert {i.transformation for i in shown} == {"test-time-augmentation", "inference-ensemble"}
    assert found[-len(shown) :] == shown
    for idea in shown:
        assert idea.admissible_reason.startswith("R")
        with pytest.raises(NotApplicable):
            implement(idea, bench.tree(sample("steps")))


def test_a_metric_parameter_is_a_temptation_too(bench):
    code = (
        "from sklearn.linear_model import Ridge\nfrom sklearn.metrics import top_k_accuracy_score\n"
        "def evaluate(y, p):\n    return top_k_accuracy_score(y, p, k=3)\n"
    )
    found = propose(bench.tree(code), bench.objective, Boundary(symbols=bench.symbols))
    assert [i.transformation for i in found] == ["metric-parameter"]
    assert found[0].admissible_reason.startswith("R1")


def test_frozen_constants_stay(bench, sample):
    code = sample("steps")
    frozen = Protocol(frozen={"batch_size": 32, "lr": 1e-2, "weight-decay": 0})
    objective = replace(bench.objective, protocol=frozen)
    found = {
        i.transformation
        for i in propose(bench.tree(code), objective, Boundary(symbols=bench.symbols))
    }
    assert not found & {"batch-size", "learning-rate", "weight-decay", "adamw"}
    assert "epochs" in found


def test_an_unreadable_command_still_gets_ideas(bench, sample):
    objective = Objective('python train.py "', metric="a", select_on="a")
    assert propose(bench.tree(sample("logistic")), objective, Boundary())
