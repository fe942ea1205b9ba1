"""What is left to spend, and what is put aside: for the confirmation, controls and ablation.

Pure. `evaluations` counts every execution of the experiment; seconds are those of finished
runs. Deciding what to do with it is `search`'s and its neighbours'.
"""

from __future__ import annotations

from autosota.agents.domain import TimeLimit
from autosota.agents.scheduler import guards, statistics
from autosota.agents.scheduler.claims import can_match, search_compute_change
from autosota.agents.scheduler.state import CampaignState

NULL_PAIRS = 2
"""Runs of the null patch, and of each control on permuted rows."""

SET_ASIDE = 0.25
"""The most of the search's budget that is kept for controls and ablation."""


SLOW_TIMES = 10.0
"""A candidate's run is stopped after this many times the baseline's, unless a guard allows more."""

SLOW_SECONDS = 20.0
"""No run is stopped as too slow before: a first compilation or a loaded machine takes its time."""


MATCHING_RUNS = 4
"""Runs that equal compute may take beside its pairs: two to calibrate, two before a correction."""

NEAR_MATCH = 0.05
"""Runs of the search that took less than this more will hardly have to be matched."""


def evaluations_left(state: CampaignState) -> int:
    """Executions that the budget still allows."""
    return state.objective.budget.evaluations - len(state.runs)


def seconds_left(state: CampaignState) -> float:
    """Seconds of runs that the budget still allows."""
    return state.objective.budget.wall_seconds - state.wall_seconds


def run_seconds(state: CampaignState) -> float:
    """What one run takes: the median of the baseline's."""
    assert state.baseline is not None
    return state.baseline.seconds_per_run


def slowest(state: CampaignState) -> TimeLimit | None:
    """When a candidate's run is too slow to be of use; the objective's timeout holds, too.

    A guard on wall time that allows more moves it: to twice what it allows, as in the search.
    """
    if state.baseline is None:
        return None
    usual = run_seconds(state)
    seconds = max(SLOW_TIMES * usual, SLOW_SECONDS)
    for guard in state.objective.guards:
        if guard.name in guards.TIMED:
            more = (guard.max_increase or 0.0) * usual + (guard.max_increase_abs or 0.0)
            seconds = max(seconds, usual + 2.0 * more)
    times = f"{seconds / usual:.0f} times the baseline's" if usual > 0 else "as no baseline's"
    return TimeLimit(
        seconds, f"stopped after {seconds:.3g} s, {times} (a run of it takes {usual:.3g} s)"
    )


def confirmation_pairs(state: CampaignState) -> int:
    """How many paired seeds the budget leaves for a confirmation; 0 when too few to decide."""
    objective = state.objective
    room = objective.budget.evaluations - 2 * len(objective.seeds)
    pairs = min(objective.confirm_seeds, room // 2)
    least = min(objective.confirm_seeds, statistics.MINIMUM_CONFIRM_PAIRS)
    return pairs if pairs >= least else 0


def controls_cost(state: CampaignState, *, known: bool = False) -> int:
    """Executions that all controls of the objective take.

    With `known` the search is over: a baseline of equal compute is only counted where the
    optimum's runs took more.
    """
    controls = state.objective.controls
    cost = NULL_PAIRS + 1  # the null patch, and running the winner again
    cost += NULL_PAIRS * (controls.labels is not None)
    cost += NULL_PAIRS * (controls.inputs is not None)
    more = search_compute_change(state) if known else None
    if can_match(state) and (more is None or more > NEAR_MATCH):
        cost += confirmation_pairs(state) + MATCHING_RUNS
    return cost


def set_aside(state: CampaignState) -> int:
    """Executions that the search may not use: controls, and an ablation of two pieces."""
    objective = state.objective
    pairs = confirmation_pairs(state)
    search = objective.budget.evaluations - len(objective.seeds) - 2 * pairs
    wanted = controls_cost(state) + 3 * len(objective.seeds)
    return max(0, min(wanted, int(SET_ASIDE * search)))


def can_afford_idea(state: CampaignState) -> bool:
    """True when one more idea can be measured without touching what is put aside.

    The first idea only has to leave the confirmation's share: without it nothing else matters.
    """
    pairs = confirmation_pairs(state)
    kept = 2 * pairs
    need = len(state.objective.seeds)
    aside = set_aside(state) if state.iterations else 0
    evaluations = evaluations_left(state) - kept - aside
    seconds = seconds_left(state) - kept * run_seconds(state)
    return evaluations >= need and seconds >= need * run_seconds(state)


def can_afford_runs(state: CampaignState, count: int, *, confirm: bool) -> bool:
    """True when `count` runs fit; with `confirm`, beside a whole confirmation."""
    kept = 2 * confirmation_pairs(state) if confirm else 0
    return evaluations_left(state) >= count + kept and seconds_left(state) >= (
        count + kept
    ) * run_seconds(state)
