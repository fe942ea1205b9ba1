"""Evidence of runs: the rows of the rules, and rows of campaigns like them."""

from __future__ import annotations

import hashlib
import math
import random

import numpy as np
import pytest

from autosota.agents.domain import Direction, Guard, Severity
from autosota.agents.rules import RULES, Level
from autosota.agents.scheduler.events import GuardResult
from autosota.agents.supervisor import evidence, predictions

MIN = Direction.MINIMIZE
ORDER = [(7 * i + 3) % 60 for i in range(60)]
"""A permutation of sixty rows."""

CASES = [
    # the rows of the catalogue, then others
    ("SEL502", True, lambda: evidence.within_noise([81.2], [81.4], noise_sd=0.3)),
    ("SEL502", False, lambda: evidence.within_noise(
        [81.1, 81.2, 81.3, 81.2, 81.2], [82.3, 82.4, 82.5, 82.4, 82.4])),
    ("SEL502", True, lambda: evidence.within_noise(
        [0.912, 0.934, 0.921, 0.905, 0.930], [0.921, 0.925, 0.933, 0.903, 0.934])),
    ("SEL502", True, lambda: evidence.within_noise([0.31], [0.30], MIN)),
    ("SEL502", False, lambda: evidence.within_noise([3.1, 3.3, 3.2], [2.6, 2.7], MIN)),
    ("SEL502", False, lambda: evidence.within_noise([0.92, 0.93], [0.91, 0.92])),
    ("SEL503", True, lambda: evidence.explained_by_tries(0.4, 60, 0.3)),
    ("SEL503", False, lambda: evidence.explained_by_tries(0.4, 1, 0.3)),
    ("SEL503", True, lambda: evidence.explained_by_tries(0.011, 24, 0.006)),
    ("SEL503", False, lambda: evidence.explained_by_tries(0.03, 24, 0.006)),
    ("SEL504", True, lambda: evidence.held_out_gap(0.97, 0.71)),
    ("SEL504", False, lambda: evidence.held_out_gap(0.97, 0.965)),
    ("SEL504", True, lambda: evidence.held_out_gap(0.08, 0.23, MIN)),
    ("SEL504", False, lambda: evidence.held_out_gap(0.71, 0.97)),
    ("SEL505", True, lambda: evidence.implausible(
        0.62, 1.0, perfect=1.0, seconds=(2400, 3), checkpoints=("ab", "ab"))),
    ("SEL505", False, lambda: evidence.implausible(0.62, 0.66, perfect=1.0, seconds=(2400, 3300))),
    ("SEL505", True, lambda: evidence.implausible(0.31, 0.002, MIN, perfect=0.0)),
    ("SEL505", True, lambda: evidence.implausible(0.80, 0.81, seconds=(600, 20))),
    ("SEL505", False, lambda: evidence.implausible(0.97, 1.0, perfect=1.0, seconds=(60, 50))),
    ("SEL505", False, lambda: evidence.implausible(0.80, 0.79, seconds=(600, 5))),
    ("SEL506", True, lambda: evidence.other_samples(10000, 9312)),
    ("SEL506", False, lambda: evidence.other_samples(10000, 10000)),
    ("SEL506", True, lambda: evidence.other_samples({"a", "b", "c"}, {"a", "b", "d"})),
    ("SEL506", False, lambda: evidence.other_samples({"a", "b", "c"}, {"c", "b", "a"})),
    ("SEL507", True, lambda: evidence.disagrees(0.91, 0.84)),
    ("SEL507", False, lambda: evidence.disagrees(0.91, 0.91)),
    ("SEL507", True, lambda: evidence.disagrees(0.84, 0.8461, digits=2)),
    ("SEL507", True, lambda: evidence.disagrees(0.84, math.nan)),
    ("SEL507", False, lambda: evidence.disagrees(0.84, 0.8449, digits=2)),
    ("SEL508", True, lambda: evidence.unequal_tuning(1, 120)),
    ("SEL508", False, lambda: evidence.unequal_tuning(120, 120)),
    ("SEL508", True, lambda: evidence.unequal_tuning(0, 2)),
    ("SEL508", False, lambda: evidence.unequal_tuning(40, 60)),
    ("SEL501", True, lambda: evidence.best_of_seeds(0.95, [0.91, 0.93, 0.95, 0.92])),
    ("SEL501", False, lambda: evidence.best_of_seeds(0.9275, [0.91, 0.93, 0.95, 0.92])),
    ("SEL501", True, lambda: evidence.best_of_seeds(1.1, [1.3, 1.1, 1.2], MIN)),
    ("SEL501", False, lambda: evidence.best_of_seeds(0.9, [0.9, 0.9, 0.9])),
    ("TO601", True, lambda: evidence.degraded("ndcg", [0.42], [0.40])),
    ("TO601", False, lambda: evidence.degraded("ndcg", [0.42], [0.4196])),
    ("TO601", True, lambda: evidence.degraded(
        "nll", [0.50, 0.52, 0.51], [0.60, 0.63, 0.61], MIN)),
    ("TO601", False, lambda: evidence.degraded("ndcg", [0.40, 0.44, 0.42], [0.43, 0.39, 0.40])),
    ("TO601", True, lambda: evidence.guarded(
        Guard("ndcg", max_decrease=0.01), GuardResult("ndcg", 0.42, 0.40, "at most -1%", False))),
    ("TO602", True, lambda: evidence.dropped(
        {"recall": 0.4, "ndcg": 0.3, "mrr": 0.2}, {"recall": 0.5})),
    ("TO602", False, lambda: evidence.dropped({"recall": 0.4}, {"recall": 0.4, "ndcg": 0.3})),
    ("TO602", True, lambda: evidence.dropped({"recall": 0.4}, {"recall": None})),
    ("TO602", False, lambda: evidence.dropped({"recall": None}, {})),
    ("TO602", True, lambda: evidence.guarded(
        Guard("ndcg", max_decrease=0.01), GuardResult("ndcg", 0.42, None, "at most -1%", False))),
    ("TO603", True, lambda: evidence.costlier("seconds per row", [0.010, 0.011], [0.16, 0.17])),
    ("TO603", False, lambda: evidence.costlier("seconds per row", [0.010, 0.011], [0.011, 0.012])),
    ("TO603", True, lambda: evidence.costlier("params", [1e6], [5e6])),
    ("TO603", False, lambda: evidence.costlier("params", [], [5e6])),
    ("TO603", True, lambda: evidence.guarded(
        Guard("wall_seconds", max_increase=0.25),
        GuardResult("wall_seconds", 10.0, 19.0, "at most +25%", False))),
    ("TO603", False, lambda: evidence.guarded(
        Guard("wall_seconds", max_increase=0.25),
        GuardResult("wall_seconds", 10.0, 11.0, "at most +25%", True))),
    ("DS401", True, lambda: evidence.data_changed({"data/t.csv": "a1"}, {"data/t.csv": "b2"})),
    ("DS401", False, lambda: evidence.data_changed({"data/t.csv": "a1"}, {"data/t.csv": "a1"})),
    ("DS401", True, lambda: evidence.data_changed({"a": "1", "b": "2"}, {"a": "1"})),
    ("DS401", False, lambda: evidence.data_changed({}, {})),
    ("OUT302", True, lambda: predictions.constant([3] * 100, [1, 2, 3, 4] * 25)),
    ("OUT302", False, lambda: predictions.constant([3] * 99 + [2], [1, 2, 3, 4] * 25)),
    ("OUT302", True, lambda: predictions.constant(["no"] * 40)),
    ("OUT302", False, lambda: predictions.constant([1] * 100, [1] * 100)),
    ("OUT303", True, lambda: predictions.looked_up(LABELS, LABELS, ORDER)),
    ("OUT303", False, lambda: predictions.looked_up(LABELS, [LABELS[i] for i in ORDER], ORDER)),
    ("OUT303", True, lambda: predictions.looked_up(
        REAL, [v if i else 0.0 for i, v in enumerate(REAL)], ORDER)),
    ("OUT303", False, lambda: predictions.looked_up([1] * 60, [1] * 60, ORDER)),
    ("OUT308", True, lambda: predictions.follows_order(LABELS, LABELS, ORDER)),
    ("OUT308", False, lambda: predictions.follows_order(LABELS, [LABELS[i] for i in ORDER], ORDER)),
    ("OUT308", True, lambda: predictions.of_the_id(range(100), [i % 2 for i in range(100)])),
    ("OUT308", True, lambda: predictions.of_the_id(range(90), [i // 30 for i in range(90)])),
    ("OUT308", False, lambda: predictions.of_the_id(range(60), LABELS)),
    ("OUT308", False, lambda: predictions.of_the_id(range(60), REAL)),
    ("LK115", True, lambda: predictions.shared_groups(["p1", "p1", "p2"], ["p2", "p3"])),
    ("LK115", False, lambda: predictions.shared_groups(["p1", "p1", "p2"], ["p3", "p3"])),
    ("LK115", True, lambda: predictions.shared_groups([7, 8, 9], [9, 9])),
    ("LK115", False, lambda: predictions.shared_groups([], ["p3", "p3"])),
    ("LK119", True, lambda: predictions.shared_rows(ROWS[:80], ROWS[70:])),
    ("LK119", False, lambda: predictions.shared_rows(ROWS[:80], ROWS[80:])),
    ("LK119", True, lambda: predictions.shared_rows([b"1,2", b"1,3"], [b"1,3", b"2,2"])),
    ("LK119", False, lambda: predictions.shared_rows([b"0,1", b"1,0"] * 50, [b"0,1", b"1,1"])),
]  # fmt: skip

_stream = random.Random(4)
LABELS = [_stream.randrange(4) for _ in range(60)]
REAL = [_stream.gauss(0, 1) for _ in range(60)]
ROWS = [hashlib.sha256(bytes([i])).digest() for i in range(100)]


@pytest.mark.parametrize(
    ("code", "fires", "found"), CASES, ids=[f"{c}-{n}" for n, (c, _, _) in enumerate(CASES)]
)
def test_evidence_says_its_rule_or_nothing(code, fires, found):
    result = found()
    if not fires:
        assert result is None
    else:
        assert (result.code, result.severity) == (code, RULES[code].severity)
        assert result.message and result.place.line == 1


def test_every_rule_of_runs_has_two_cases_that_fire_and_two_that_do_not():
    wanted = {r.code for r in RULES.values() if Level.RUNTIME in r.levels}
    assert {code for code, _, _ in CASES} == wanted
    for code in wanted:
        kinds = [fires for c, fires, _ in CASES if c == code]
        assert kinds.count(True) >= 2 and kinds.count(False) >= 2, code


@pytest.mark.parametrize("draws", [1, 2, 5, 60, 1000])
def test_the_expected_maximum_is_that_of_simulated_draws(draws):
    drawn = np.random.default_rng(0).normal(size=(20_000, draws)).max(axis=1)
    error = drawn.std() / math.sqrt(len(drawn))
    assert evidence.expected_maximum(draws) == pytest.approx(drawn.mean(), abs=4 * error)


def test_the_message_of_luck_names_what_luck_would_give():
    found = evidence.explained_by_tries(0.4, 60, 0.3)
    assert "0.696" in found.message  # E max of 60 N(0, 0.3), as in the catalogue: +0.70


def test_luck_alone_is_seldom_above_twice_its_expectation():
    """Of campaigns in which nothing works, the best gain is mostly told to be luck."""
    drawn = np.random.default_rng(1).normal(0, 0.3, size=(2000, 60)).max(axis=1)
    told = sum(evidence.explained_by_tries(g, 60, 0.3) is not None for g in drawn)
    assert 0.45 < told / len(drawn) < 0.65  # the expectation is about the median
    assert evidence.explained_by_tries(2 * 0.3 * 2.32, 60, 0.3) is None


def test_a_gain_that_is_no_larger_than_noise_is_found_at_its_level():
    """Two sides of the same code: of the gains seen, 95 % (one side of the interval) are noise."""
    stream = np.random.default_rng(2)
    gains = told = 0
    for _ in range(2000):
        a, b = stream.normal(0.9, 0.01, size=(2, 5))
        gains += b.mean() > a.mean()
        told += evidence.within_noise(list(a), list(b)) is not None
    assert told / gains == pytest.approx(0.95, abs=0.02)


def test_a_classifier_that_reads_inputs_does_not_follow_ids_or_order():
    """A real model on real rows: neither its answers on permuted inputs nor on shuffled rows."""
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression

    X, y = load_digits(return_X_y=True)
    model = LogisticRegression(max_iter=200).fit(X[:1000] / 16, y[:1000])
    order = np.random.default_rng(3).permutation(len(X) - 1000)
    plain = model.predict(X[1000:] / 16).tolist()
    moved = model.predict(X[1000:][order] / 16).tolist()
    assert predictions.looked_up(plain, moved, order.tolist()) is None
    assert predictions.follows_order(plain, moved, order.tolist()) is None
    assert predictions.of_the_id(list(range(len(plain))), plain) is None
    assert predictions.constant(plain, y[1000:].tolist()) is None
    answers = dict(enumerate(y[1000:].tolist()))
    known = [answers[i] for i in range(len(plain))]
    assert predictions.looked_up(known, known, order.tolist()).severity is Severity.BLOCK


def test_rows_that_are_not_the_same_rows_are_refused():
    with pytest.raises(ValueError, match="2, 3 and 2 rows"):
        predictions.looked_up([1, 2], [1, 2, 3], [1, 0])
    with pytest.raises(ValueError, match="0 draws"):
        evidence.expected_maximum(0)
