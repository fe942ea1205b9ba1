"""The overfitting bench measures what it says: parts apart, no look ahead, luck seen as luck."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from autosota.agents.domain import Granularity, Purpose

BENCH = Path(__file__).resolve().parents[1] / "bench"


@pytest.fixture(autouse=True, scope="module")
def bench_on_path() -> Iterator[None]:
    sys.path.insert(0, str(BENCH))
    yield
    sys.path.remove(str(BENCH))


def module(name: str) -> ModuleType:
    return importlib.import_module(f"tasks.{name}")


def experiment(name: str, seed: int = 3, **changes: object) -> object:
    data, made = module("data"), module("experiment")
    task = next(t for t in data.TASKS if t.name == name)
    inputs, targets = task.load()
    parts = data.split(task, len(targets), seed)
    return made.Experiment(task, parts, inputs, targets, **changes)


def test_parts_share_no_row_and_ordered_ones_follow_each_other_in_time() -> None:
    data = module("data")
    assert len(data.TASKS) >= 14
    assert sum(t.kind == "series" for t in data.TASKS) >= 4
    for task in data.TASKS:
        _, targets = task.load()
        for seed in range(3):
            parts = data.split(task, len(targets), seed)
            train, validation = parts.search[: parts.train], parts.search[parts.train :]
            four = [train, validation, parts.claim, parts.test]
            whole = np.concatenate(four)
            assert len(np.unique(whole)) == len(whole), task.name
            assert min(len(p) for p in four) >= 30, task.name
            if task.ordered:
                gap = task.horizon if task.kind == "series" else 0
                for earlier, later in itertools.pairwise(four):
                    assert earlier.max() + gap < later.min(), task.name
            if task.kind == "series":
                assert train.min() >= data.LONGEST
                assert parts.test.max() + task.horizon < len(targets), task.name


def test_series_inputs_do_not_change_when_the_future_does() -> None:
    made = module("experiment")
    config = made.Config("ridge", lags=20, harmonics=3, windows=True, trend=True, difference=True)
    now = 200
    one, other = experiment("elnino"), experiment("elnino")
    other.targets = other.targets.copy()
    other.targets[now + 1 :] += 100.0
    before, after = one._table(config)[24 : now + 1], other._table(config)[24 : now + 1]
    assert np.array_equal(before, after) and np.isfinite(before).all()
    assert not np.array_equal(one._table(config)[now + 1], other._table(config)[now + 1])


def test_a_run_is_its_seed_and_its_configuration() -> None:
    made = module("experiment")
    config, parts = made.Config("forest"), ("validation",)
    one, other = experiment("diabetes"), experiment("diabetes")
    first = one.run(config, 1, parts)["validation"].value
    assert other.run(config, 1, parts)["validation"].value == first
    assert one.run(config, 2, parts)["validation"].value != first
    again = one.trainings
    one.run(config, 1, parts)
    assert one.trainings == again  # memoised


def test_rows_of_the_claim_average_to_the_claim_and_permuted_labels_destroy_it() -> None:
    made = module("experiment")
    for name, model in (("wine", "logistic"), ("mpg", "ridge"), ("elnino", "ridge")):
        one = experiment(name)
        config = made.Config(model, scale="standard", difference=name == "elnino")
        score = one.run(config, 1, ("claim",))["claim"]
        assert score.rows.mean() == pytest.approx(score.value)
        luck = one.run(config, 1, ("claim",), permute="labels")["claim"]
        assert luck.value < score.value - 0.2, name


def test_every_planted_handicap_has_a_cure_in_the_pool_and_changes_the_baseline() -> None:
    data, ideas = module("data"), module("ideas")
    planted = 0
    for task in data.TASKS:
        inputs, _ = task.load()
        for seed in range(8):
            problem = ideas.draw(task, inputs.shape[1] if inputs is not None else 0, seed)
            if problem.plant is None:
                continue
            planted += 1
            cures = [i for i in problem.pool if i.name in problem.plant.cures]
            assert cures and all(i.apply(problem.baseline) is not None for i in cures)
    assert planted >= 4 * 8


def lucky_pool() -> list[object]:
    """Ideas that cannot help: other random states."""
    ideas = module("ideas")
    return [
        ideas._set(f"luck-{k}", "luck", Granularity.PARAM, random_state=k) for k in range(1, 29)
    ]


def test_keep_if_better_sells_luck_and_ours_does_not() -> None:
    made, loops, campaign = module("experiment"), module("loops"), module("campaign")
    sold, confirmed = [], 0
    for seed in range(3):
        one = experiment("diabetes", seed)
        base = made.Config("forest")
        answer = loops.keep_if_better(one, base, lucky_pool(), 60)
        sold.append(answer.reported)
        assert answer.evaluations == 60
        ours, _ = campaign.search(one, base, lucky_pool(), 60)
        confirmed += ours.confirmed
        assert ours.evaluations <= 60
    assert min(sold) > 0.02
    assert confirmed == 0


def test_ours_finds_a_planted_gain_and_no_loop_looks_at_the_fresh_rows() -> None:
    made, ideas = module("experiment"), module("ideas")
    campaign, data = module("campaign"), module("data")
    task = next(t for t in data.TASKS if t.name == "wine")
    one = experiment("wine")
    base = made.Config("svm", scale="none", units=5)
    names = ("scale-standard", "subset-1", "random-state-1", "random-state-2", "clip-outliers")
    pool = [ideas.library(task)[n] for n in names]
    answer, driver = campaign.search(one, base, pool, 80)
    assert answer.confirmed and "scale-standard" in answer.ideas
    assert all("test" not in key[2] for key in one._memo)
    searched = [r for r in driver.state.runs if r.purpose is Purpose.SEARCH]
    assert searched and all(r.metrics["test_score"] is None for r in searched)
    plain = np.mean([one.run(base, s, ("test",))["test"].value for s in range(90, 95)])
    cured = np.mean([one.run(answer.config, s, ("test",))["test"].value for s in range(90, 95)])
    assert cured > plain + 0.1
