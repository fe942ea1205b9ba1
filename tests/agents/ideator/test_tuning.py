from __future__ import annotations

import ast
import math
import sys
from dataclasses import replace

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.domain import Boundary, Direction, Granularity, Place, Protocol
from autosota.agents.ideator import NotApplicable, implement
from autosota.agents.ideator.combination import combination
from autosota.agents.ideator.tuning import (
    Setting,
    Trial,
    TunerMissing,
    suggest,
    tunable,
    tuned,
    values_of,
)

UP = Direction.MAXIMIZE


def settings_of(bench, code, objective=None, **files):
    """The settings of a file by what a person calls them."""
    tree = bench.tree(code, **files)
    found = tunable(tree, objective or bench.objective, Boundary(symbols=bench.symbols))
    return {setting.label: setting for setting in found}


def test_numbers_have_ranges_around_where_they_are(bench, sample):
    found = {k: (s.value, s.low, s.high, s.log, s.integer) for k, s in
             settings_of(bench, sample("convnet")).items()}  # fmt: skip
    assert found == {
        "lr": (0.05, 0.005, 0.5, True, False),
        "batch_size": (16, 4, 64, True, True),
        "epochs": (3, 1, 6, True, True),
        "width": (8, 2, 16, True, True),
    }
    zoo = settings_of(bench, sample("zoo"))
    assert (zoo["nu"].low, zoo["nu"].high, zoo["nu"].log) == (0.05, 0.9, False)
    assert zoo["learning_rate (rate)"].high == 1.0
    assert (zoo["subsample"].value, zoo["subsample"].low, zoo["subsample"].high) == (1.0, 0.3, 1.0)
    assert [zoo[f"hidden_layer_sizes[{i}]"].value for i in (0, 1)] == [16, 8]


def test_names_are_stable_and_say_where(bench, sample):
    code = sample("logistic")
    found = settings_of(bench, code)
    assert [s.name for s in found.values()] == [
        "train.py::build::return = LogisticRegression, C",
        "train.py::build::return = LogisticRegression, max_iter",
    ]
    moved = "import os\n" + code.replace("default=0.01", "default=0.5")
    assert [s.name for s in settings_of(bench, moved).values()] == [s.name for s in found.values()]
    assert found["C (--c)"].place.path == "train.py"


def test_what_costs_compute_is_bounded_to_twice(bench, sample):
    for name in ("forest", "zoo", "convnet", "steps", "flat"):
        for setting in settings_of(bench, sample(name)).values():
            assert setting.cost(setting.high) <= 2.0001
            assert setting.cost(setting.low) <= 2.0001
    forest = settings_of(bench, sample("forest"))
    trees = forest["n_estimators (TREES)"]
    assert (trees.cost_grows, trees.low, trees.high) == (True, 5, 40)
    assert not forest["max_depth"].cost_grows
    assert not settings_of(bench, sample("convnet"))["batch_size"].cost_grows


def test_what_may_not_move_is_no_setting(bench, sample):
    code = sample("steps")
    assert set(settings_of(bench, code)) == {
        "lr (--lr)", "batch_size (--batch-size)", "epochs (--steps)", "channels", "eps"
    }  # fmt: skip
    given = replace(bench.objective, command="python train.py --lr 0.1 --model mlp")
    assert set(settings_of(bench, code, given)) == {
        "batch_size (--batch-size)", "epochs (--steps)", "hidden", "eps"
    }  # fmt: skip
    frozen = replace(bench.objective, protocol=Protocol(frozen={"steps": 40, "channels": 8}))
    assert set(settings_of(bench, code, frozen)) == {
        "lr (--lr)", "batch_size (--batch-size)", "eps"
    }  # fmt: skip
    judged = (
        "from sklearn.svm import SVC\nK = 3.0\nm = SVC(C=K)\ndef evaluate(p):\n    return p[:K]\n"
    )
    assert settings_of(bench, judged) == {}
    assert set(settings_of(bench, judged.replace("[:K]", "[:2]"))) == {"C (K)"}
    assert tunable(bench.tree("x = 1\n"), bench.objective, Boundary()) == ()


def test_numbers_that_are_only_worth_a_search(bench):
    code = (
        "import torch\nfrom torch import nn\n"
        "net = nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 3), nn.Dropout(0.5), nn.Dropout())\n"
        "opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0)\n"
        "loss = nn.CrossEntropyLoss(label_smoothing=0.1)\n"
    )
    found = settings_of(bench, code)
    names = [s.name.rpartition("::")[2] for s in found.values()]
    assert names == [
        "opt, lr",
        "Dropout, p #1/3",
        "Dropout, p #2/3",
        "Dropout, p #3/3",
        "SGD, momentum",
        "CrossEntropyLoss, label_smoothing",
    ]
    tree = bench.tree(code)
    values = dict(
        zip([s.name for s in found.values()], [0.1, 0.5, 0.21, 0.32, 0.9, 0], strict=True)
    )
    idea = tuned(list(found.values()), values)
    after = implement(idea, tree).changes["train.py"].decode()
    assert "nn.Dropout(0.5), nn.Linear(3, 3), nn.Dropout(0.21), nn.Dropout(p=0.32)" in after
    assert "lr=0.1, momentum=0.9)" in after
    assert "label_smoothing=0.0)" in after
    fewer = bench.tree(code.replace(", nn.Dropout())", ")"))
    with pytest.raises(NotApplicable, match=r"'::Dropout, p #2/3' is not there as expected"):
        implement(idea, fewer)


def test_a_tuning_is_an_idea(bench, sample):
    found = settings_of(bench, sample("logistic"))
    rate, limit = (s.name for s in found.values())
    idea = tuned(list(found.values()), {rate: 0.0321, limit: 100})
    assert idea.title == "Set C (--c) 0.01 → 0.032, max_iter 50 → 100"
    assert idea.arguments == {rate: 0.032, limit: 100}
    assert (idea.granularity, idea.family) == (Granularity.PARAM, "tune")
    assert (idea.transformation, idea.symbol) == ("tune", "build")
    assert 1.3 < idea.cost < 1.4
    assert "a run takes about 1.3 times as long" in idea.assumptions
    assert tuned(list(found.values()), {limit: 100, rate: 0.032}).id == idea.id
    assert tuned(list(found.values()), {limit: 101, rate: 0.032}).id != idea.id
    only = tuned(list(found.values()), {rate: 0.01, limit: 51})
    assert only.arguments == {limit: 51}
    with pytest.raises(ValueError, match="there is nothing to set"):
        tuned(list(found.values()), {rate: 0.01})


def test_values_are_written_in_the_notation_of_the_file(bench, sample):
    code = sample("steps")
    found = settings_of(bench, code)
    values = {found["lr (--lr)"].name: 0.0034, found["batch_size (--batch-size)"].name: 17}
    idea = tuned(list(found.values()), values)
    after = implement(idea, bench.tree(code)).changes["train.py"].decode()
    assert after == code.replace("default=1e-2", "default=3.4e-3").replace(
        '"--batch-size", type=int, default=32', '"--batch-size", type=int, default=17'
    )


def test_a_tuning_finds_its_numbers_in_code_that_other_ideas_changed(bench, sample):
    code = sample("logistic")
    ideas = {i.title: i for i in bench.ideas(code)}
    scaled = next(i for title, i in ideas.items() if title.startswith("Standardise"))
    bigger = next(i for title, i in ideas.items() if "0.01 → 0.1" in title)
    found = settings_of(bench, code)
    idea = tuned(list(found.values()), {found["C (--c)"].name: 0.05})
    stacked = MemoryTree(
        implement(bigger, MemoryTree(implement(scaled, bench.tree(code)).changes)).changes
    )
    after = implement(idea, stacked)
    assert b'"--c", type=float, default=0.05' in after.changes["train.py"]
    assert after.anchors[0].before == "0.1"
    both = combination([scaled, idea])
    done = implement(both, bench.tree(code), {i.id: i for i in (scaled, idea)})
    assert b"make_pipeline(StandardScaler()" in done.changes["train.py"]
    assert b"default=0.05" in done.changes["train.py"]
    with pytest.raises(NotApplicable, match=r"train\.py: every setting has its value already"):
        implement(idea, MemoryTree(after.changes))
    with pytest.raises(NotApplicable, match=r"'build::return = LogisticRegression, C' is not"):
        implement(idea, bench.tree(code.replace("LogisticRegression", "RidgeClassifier")))
    with pytest.raises(NotApplicable, match=r"train\.py is not a readable Python file"):
        implement(idea, MemoryTree({}))


def test_a_number_in_another_file_is_set_there(bench):
    code = "from settings import C\nfrom sklearn.svm import LinearSVC\nmodel = LinearSVC(C=C)\n"
    found = settings_of(bench, code, settings="# by hand\nC = 0.5\n")
    idea = tuned(list(found.values()), {next(iter(found.values())).name: 2.0})
    done = implement(idea, bench.tree(code, settings="# by hand\nC = 0.5\n"))
    assert done.changes == {"settings.py": b"# by hand\nC = 2.0\n"}


def test_every_suggestion_can_be_written_and_says_what_it_does(bench, each_sample):
    pytest.importorskip("optuna")
    found = tuple(settings_of(bench, each_sample).values())
    tree = bench.tree(each_sample)
    trials = [Trial({}, 0.5)]
    for _ in range(3):
        values = suggest(found, trials, direction=UP, seed=1)
        idea = tuned(found, values)
        assert idea.cost <= 2.01
        after = implement(idea, tree)
        ast.parse(after.changes["train.py"])
        again = settings_of(bench, after.changes["train.py"])
        assert {s.name: s.value for s in again.values()} == values
        assert values_of(idea, found) == idea.arguments
        trials.append(Trial(values, 0.5))


# ------------------------------------------------------------------ the optimiser


def number(name: str, value: float, low: float, high: float, **more) -> Setting:
    return Setting(
        name, name, value, low, high, log=more.pop("log", True), integer=isinstance(value, int),
        place=Place("train.py", 1), text=str(value), **more,
    )  # fmt: skip


SPACE = (number("a", 1.0, 0.1, 10.0), number("b", 4, 1, 16))


def bowl(values) -> float:
    """Best, at 0, where a is 0.2 and b is 12."""
    return -(math.log(values["a"] / 0.2) ** 2) - math.log(values["b"] / 12) ** 2


def best_of(trials: int, seed: int, sign: int = 1) -> float:
    pytest.importorskip("optuna")
    done = [Trial({}, sign * bowl({"a": 1.0, "b": 4}))]
    direction = UP if sign > 0 else Direction.MINIMIZE
    for _ in range(trials):
        values = suggest(SPACE, done, direction=direction, seed=seed)
        assert values is not None
        assert all(s.low <= values[s.name] <= s.high for s in SPACE)
        assert values not in [t.values for t in done]
        done.append(Trial(values, sign * bowl(values)))
    return max(sign * t.score for t in done)


def test_the_same_trials_give_the_same_suggestion():
    pytest.importorskip("optuna")
    trials = [Trial({"a": 0.1 * k, "b": k}, k / 10) for k in range(1, 9)]
    one, two = (suggest(SPACE, trials, direction=UP, seed=7) for _ in range(2))
    assert one == two
    assert suggest(SPACE, trials, direction=UP, seed=8) != one
    assert suggest(SPACE, trials, direction=Direction.MINIMIZE, seed=7) != one


def test_it_learns_from_the_trials_either_way():
    import random

    draws = [random.Random(seed) for seed in range(8)]
    by_chance = [
        max(
            bowl({"a": 10 ** r.uniform(-1, 1), "b": round(16 ** r.uniform(0, 1))})
            for _ in range(25)
        )
        for r in draws
    ]
    chance = sum(by_chance) / len(by_chance)
    for sign in (1, -1):
        learned = sum(best_of(25, seed, sign) for seed in range(3)) / 3
        assert learned > chance
        assert learned > -0.1


def test_an_exhausted_space_says_so():
    pytest.importorskip("optuna")
    space = [number("k", 2, 1, 3)]
    assert suggest([], [], direction=UP, seed=0) is None
    one = suggest(space, [Trial({}, 0.1)], direction=UP, seed=0)
    assert one in ({"k": 1}, {"k": 3})
    two = suggest(space, [Trial({}, 0.1), Trial(one, 0.2)], direction=UP, seed=0)
    assert {one["k"], two["k"]} == {1, 3}
    done = [Trial({}, 0.1), Trial(one, None), Trial(two, math.nan)]
    assert suggest(space, done, direction=UP, seed=0) is None


def test_two_settings_do_not_double_the_cost_twice():
    pytest.importorskip("optuna")
    space = [number(n, 100, 25, 200, power=1.0) for n in ("trees", "width")]
    trials = [Trial({}, 1.0)]
    for _ in range(12):
        values = suggest(space, trials, direction=UP, seed=2)
        assert values["trees"] * values["width"] <= 2.01 * 100 * 100
        trials.append(Trial(values, float(sum(values.values()))))


def test_trials_of_other_code_are_left_out():
    pytest.importorskip("optuna")
    inside = [Trial({"a": 0.5, "b": 2}, 0.1), Trial({"a": 5.0, "b": 3}, 0.2)]
    stray = Trial({"a": 500.0}, 9.0)
    values = suggest(SPACE, [*inside, stray], direction=UP, seed=3)
    assert values == suggest(SPACE, [*inside, replace(stray, score=-9.0)], direction=UP, seed=3)


def test_an_idea_that_moves_one_number_is_a_trial_too(bench, sample):
    code = sample("logistic")
    found = tuple(settings_of(bench, code).values())
    ideas = {i.title: i for i in bench.ideas(code)}
    bigger = next(i for title, i in ideas.items() if "0.01 → 0.1" in title)
    assert values_of(bigger, found) == {found[0].name: 0.1}
    scaled = next(i for title, i in ideas.items() if title.startswith("Standardise"))
    assert values_of(scaled, found) is None


def test_without_optuna_the_way_out_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(TunerMissing, match=r"pip install 'autosota\[tune\]'"):
        suggest(SPACE, [], direction=UP, seed=0)


def test_optuna_is_quiet_and_left_as_it_was(capfd):
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.INFO)
    suggest(SPACE, [Trial({}, 0.0)] * 12, direction=UP, seed=0)
    assert optuna.logging.get_verbosity() == optuna.logging.INFO
    assert capfd.readouterr() == ("", "")
