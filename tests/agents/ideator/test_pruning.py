from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosota.agents.domain import Direction
from autosota.agents.ideator.pruning import pruning_bounds

VALUE = st.floats(-5, 5, allow_nan=False).map(lambda v: round(v, 2)) | st.just(float("nan"))
HISTORY = st.lists(VALUE, min_size=1, max_size=8).map(lambda vs: list(enumerate(vs)))


@pytest.mark.filterwarnings("ignore:All-NaN slice")
@settings(max_examples=150, deadline=None)
@given(
    st.lists(HISTORY, max_size=9),
    HISTORY,
    st.sampled_from(Direction),
    st.integers(1, 6),
    st.integers(0, 4),
    st.sampled_from([0.0, 10.0, 50.0, 75.0, 100.0]),
)
def test_bounds_decide_as_optuna_does(histories, running, direction, least, warmup, percentile):
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.PercentilePruner(percentile, least, warmup, n_min_trials=least)
    study = optuna.create_study(direction=direction.value, pruner=pruner)
    for history in histories:
        study.add_trial(optuna.trial.create_trial(value=0.0, intermediate_values=dict(history)))
    bounds = dict(
        pruning_bounds(
            histories, direction, least_runs=least, warmup_steps=warmup, percentile=percentile
        )
    )
    trial, best = study.ask(), None
    for step, value in running:
        trial.report(value, step)
        if value == value and (best is None or direction.sign * (value - best) > 0):
            best = value
        if best is None:
            continue  # nothing but NaN yet: pruned by either, see the docstring
        bound = bounds.get(step)
        worse = bound is not None and direction.sign * (best - bound) < 0
        assert trial.should_prune() == worse, (step, best, bound)


def test_by_default_the_second_half_of_a_run_is_judged_by_the_worst_quarter():
    histories = [[(step, step + run) for step in range(1, 11)] for run in range(5)]
    bounds = pruning_bounds(histories, Direction.MAXIMIZE)
    assert bounds == tuple((step, step + 1.0) for step in range(5, 11))
    median = pruning_bounds(histories, Direction.MINIMIZE, warmup_steps=10, percentile=50)
    assert median == ((10, 12.0),)


def test_too_few_runs_prune_nothing():
    histories = [[(1, 0.5), (2, 0.6)]] * 4
    assert pruning_bounds(histories, Direction.MAXIMIZE) == ()
    assert pruning_bounds([*histories, [(1, 0.1)]], Direction.MAXIMIZE) == ((1, 0.5),)
    assert pruning_bounds([[]] * 6, Direction.MAXIMIZE) == ()
    with pytest.raises(ValueError, match="between 0 and 100, not 101"):
        pruning_bounds([], Direction.MAXIMIZE, percentile=101)
    with pytest.raises(ValueError, match="least_runs must be 1 or more, not 0"):
        pruning_bounds([], Direction.MAXIMIZE, least_runs=0)


def test_the_first_of_two_values_at_a_step_counts():
    optuna = pytest.importorskip("optuna")
    histories = [[(1, 0.2), (1, 0.9)]] * 5
    assert pruning_bounds(histories, Direction.MAXIMIZE) == ((1, 0.2),)
    trial = optuna.create_study().ask()
    with pytest.warns(UserWarning, match="already reported"):
        for step, value in histories[0]:
            trial.report(value, step)
    assert trial.study.trials[0].intermediate_values == {1: 0.2}
