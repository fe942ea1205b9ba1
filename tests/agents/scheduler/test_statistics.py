from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from autosota.agents.domain import Direction
from autosota.agents.scheduler import statistics

values = st.lists(st.floats(-100, 100).map(lambda v: round(v, 3)), min_size=3, max_size=12)


@given(values)
def test_t_matches_scipy(differences):
    p = statistics.t_p_value(differences)
    if p is None:
        assert statistics.sample_sd(differences) == pytest.approx(0, abs=1e-9)
        return
    expected = stats.ttest_1samp(differences, 0, alternative="greater")
    assert p == pytest.approx(expected.pvalue, abs=1e-9)
    low, high = statistics.t_interval(differences, 0.95)
    reference = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert (low, high) == pytest.approx((reference.low, reference.high), rel=1e-6, abs=1e-9)


def test_sign_flip_is_exact_for_all_positive():
    assert statistics.sign_flip_p_value([1.0] * 5) == 1 / 32
    assert statistics.sign_flip_p_value([-1.0] * 5) == 1.0
    assert statistics.sign_flip_p_value([0.0] * 5) == 1.0


def test_sign_flip_large_is_close_to_scipy():
    differences = [
        0.3,
        -0.1,
        0.5,
        0.2,
        -0.4,
        0.6,
        0.1,
        0.2,
        0.3,
        -0.2,
        0.4,
        0.5,
        0.1,
        -0.3,
        0.2,
        0.6,
    ]
    expected = stats.permutation_test(
        (differences,),
        lambda x: x.sum(),
        permutation_type="samples",
        alternative="greater",
        n_resamples=20000,
        rng=0,
    ).pvalue
    assert statistics.sign_flip_p_value(differences) == pytest.approx(expected, abs=0.01)


def test_one_lucky_seed_does_not_pass_the_exact_test():
    differences = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 5.0]
    result = statistics.compare("m", Direction.MAXIMIZE, [0.0] * 10, differences, exact=True)
    assert result.p_value == 0.5


def test_equal_differences_have_no_p_value():
    result = statistics.compare("m", Direction.MAXIMIZE, [1.0, 2.0, 3.0], [2.0, 3.0, 4.0])
    assert result.difference == 1.0
    assert result.p_value is None and result.low is None
    assert "does not vary" in result.note


def test_levels_of_all_attempts_sum_to_alpha():
    assert sum(statistics.confirmation_level(k) for k in range(1, 100_000)) == pytest.approx(
        0.05, abs=1e-5
    )
    assert statistics.confirmation_level(1) == 0.025


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_scale_does_not_matter(scale):
    base = [1.0, 1.1, 0.9, 1.05, 0.95]
    better = [1.2, 1.25, 1.15, 1.3, 1.1]
    plain = statistics.compare("m", Direction.MAXIMIZE, base, better)
    scaled = statistics.compare(
        "m", Direction.MAXIMIZE, [b * scale for b in base], [b * scale for b in better]
    )
    assert scaled.p_value == pytest.approx(plain.p_value)
    assert scaled.difference == pytest.approx(plain.difference * scale)


def test_unequal_sides_are_refused():
    with pytest.raises(ValueError, match="differ"):
        statistics.compare("m", Direction.MAXIMIZE, [1.0], [1.0, 2.0])
