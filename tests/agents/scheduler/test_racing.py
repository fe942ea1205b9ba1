from __future__ import annotations

import random

import pytest

from autosota.agents.scheduler import power, racing, select
from autosota.agents.scheduler.racing import Noise, Standing

QUIET = Noise(1.0, 8.0)


def race(true: float, stream: random.Random, tried: int, most: int = 5) -> tuple[Standing, int]:
    found: list[float] = []
    while True:
        found.append(stream.gauss(true, 1.0))
        level = racing.screen_level(tried)
        standing = racing.standing(found, racing.moderated(found, QUIET), most, level)
        if standing is not Standing.OPEN:
            return standing, len(found)


def test_a_race_without_effect_passes_no_more_than_its_level():
    stream = random.Random(1)
    for tried in (4, 10, 20):
        passed = sum(race(0.0, stream, tried)[0] is Standing.PASSED for _ in range(3000))
        assert passed / 3000 <= racing.screen_level(tried) * 1.15


def test_a_clear_effect_passes_and_pairs_are_saved_where_there_is_none():
    stream = random.Random(2)
    clear = [race(2.0, stream, 10) for _ in range(500)]
    harmful = [race(-1.0, stream, 10) for _ in range(500)]
    assert sum(s is Standing.PASSED for s, _ in clear) > 470
    assert sum(pairs for _, pairs in harmful) / 500 < 2.0
    assert all(s is Standing.FUTILE for s, _ in harmful if s is not Standing.PASSED)


def test_no_race_passes_on_fewer_than_three_pairs():
    assert racing.standing([9.0, 9.0], QUIET, 5, 0.25) is Standing.OPEN
    assert racing.standing([9.0, 9.0, 9.0], QUIET, 5, 0.25) is Standing.PASSED


def test_the_looks_of_a_race_spend_its_level_and_no_more():
    for most in (1, 2, 3, 5, 9):
        spent = sum(racing.look_level(0.1, pairs, most) for pairs in range(1, most + 1))
        assert spent == pytest.approx(0.1)


def test_two_seeds_that_agree_by_luck_do_not_make_certainty():
    own = [0.5, 0.5000001, 0.5]
    assert racing.moderated(own, QUIET).sd > 0.8


def test_without_any_noise_the_sign_decides_after_two_pairs():
    none = Noise(0.0, 4.0)
    assert racing.standing([0.1], none, 5, 0.1) is Standing.OPEN
    assert racing.standing([0.1, 0.1], none, 5, 0.1) is Standing.PASSED
    assert racing.standing([0.0], none, 5, 0.1) is Standing.FUTILE


def test_pooled_noise_learns_from_the_ideas():
    few = racing.pooled((0.0, 0.0), 1.0)
    assert few.sd == pytest.approx(2**0.5)
    many = racing.pooled(racing.spread([[0.1, -0.1, 0.0]] * 20), 1.0)
    assert many.sd < 0.5 and many.df == racing.PRIOR_DF + 40


# ------------------------------------------------------------------ power


def test_power_agrees_with_simulation():
    from autosota.agents.scheduler import statistics

    stream = random.Random(3)
    hits = 0
    for _ in range(2000):
        found = [stream.gauss(1.0, 1.0) for _ in range(8)]
        p = statistics.t_p_value(found)
        assert p is not None
        hits += p <= 0.025
    assert power.power(1.0, 1.0, 8, 0.025) == pytest.approx(hits / 2000, abs=0.03)


def test_pairs_needed_is_the_fewest_and_grows_as_the_effect_shrinks():
    for effect in (2.0, 1.0, 0.3):
        needed = power.pairs_needed(effect, 1.0, 0.025)
        assert needed is not None
        assert power.power(effect, 1.0, needed, 0.025) >= 0.8
        assert power.power(effect, 1.0, needed - 1, 0.025) < 0.8
    assert power.pairs_needed(0.0, 1.0, 0.025) is None
    assert power.pairs_needed(0.001, 1.0, 0.025) is None
    assert power.pairs_needed(1e9, 1e9, 0.025) == power.pairs_needed(1.0, 1.0, 0.025)


def test_a_level_that_the_sign_flip_test_cannot_reach_has_no_power():
    assert power.power(50.0, 1.0, 5, 0.025) == 0.0
    assert power.power(50.0, 1.0, 6, 0.025) == 1.0


def test_resolution_is_the_effect_that_the_pairs_confirm():
    smallest = power.resolution(2.0, 10, 0.025)
    assert power.power(smallest, 2.0, 10, 0.025) == pytest.approx(0.8, abs=0.001)


def test_a_chosen_effect_is_shrunken_by_what_all_ideas_show():
    noise_only = power.shrunken(1.0, 1.0, 4, [1.0, -0.5, 0.4, -0.6, 0.1])
    real = power.shrunken(1.0, 1.0, 4, [1.0, -3.0, 2.5, -2.0, 4.0])
    assert 0.7 < noise_only < 0.9 < real < 1.0
    assert power.shrunken(1.0, 0.0, 4, []) == 1.0


# ------------------------------------------------------------------ selection


def test_the_score_weighs_prior_evidence_novelty_and_cost(make_idea):
    from dataclasses import replace

    from autosota.agents.domain import Level

    high = replace(make_idea("h"), priority=Level.HIGH, family="a")
    low = replace(make_idea("l"), priority=Level.LOW, family="b")
    assert select.score(high, {}) > select.score(low, {})
    # evidence: a family that failed falls behind, one that helped comes before
    failed = {"a": select.Experience(6, 0.0)}
    helped = {"b": select.Experience(3, 3.0)}
    assert select.score(high, failed) < select.score(high, {})
    assert select.score(low, helped) > select.score(high, failed)
    # novelty: among equals the family that was tried less comes first
    tried = {"a": select.Experience(4, 1.0), "b": select.Experience(1, 0.25)}
    twin = replace(high, family="b")
    assert select.score(twin, tried) > select.score(high, tried)
    # cost: four times the time has to promise twice as much
    dear = replace(high, cost=4.0)
    assert select.score(dear, {}) == pytest.approx(select.score(high, {}) / 2)
