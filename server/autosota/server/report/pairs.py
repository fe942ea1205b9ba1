"""Pairs of runs over common seeds, and plain comparisons over them.

What is shown of a comparison always comes with the runs behind it, and those are found here.
"""

from __future__ import annotations

from collections.abc import Sequence

from autosota.agents.domain import Comparison, Direction, Outcome, Purpose
from autosota.agents.scheduler import matching, statistics
from autosota.agents.scheduler.ablation import dropped
from autosota.agents.scheduler.claims import MATCHED, NULL, confirm_pairs
from autosota.agents.scheduler.events import IdeaSelected, RunFinished
from autosota.agents.scheduler.state import CampaignState

__all__ = [
    "Pair",
    "best_pairs",
    "compare_pairs",
    "confirm_pairs",
    "control_pairs",
    "piece_pairs",
    "search_pairs",
    "transfer_pairs",
    "trial_pairs",
    "whole_pairs",
]

Pair = tuple[RunFinished, RunFinished]
"""Two runs of two sides with the same seed, the reference first."""


def search_pairs(idea: str, state: CampaignState) -> list[Pair]:
    """The (reference, candidate) runs of an idea's latest trial, over the same seeds."""
    selected = state.selected.get(idea)
    if selected is None:
        return []
    return trial_pairs(selected, state)


def trial_pairs(selected: IdeaSelected, state: CampaignState) -> list[Pair]:
    """The (reference, candidate) runs of one trial of an idea, over the same seeds."""
    patch = state.patches.get(state.patch_on(selected.idea, selected.parent) or "")
    if patch is None:
        return []
    return state.search_pairs(selected.reference or selected.parent, patch.commit)


def best_pairs(state: CampaignState) -> list[Pair]:
    """The (base, best) runs of the search over the same seeds.

    What an ablation left was run on other seeds than the base: then the whole stands in.
    """
    if state.best is None:
        return []
    found = state.search_pairs(state.start.base_commit, state.best.commit)
    return found or whole_pairs(state)


def whole_pairs(state: CampaignState) -> list[Pair]:
    """The (base, best) runs of the search, of the best before it was taken apart."""
    commit = state.ablation.commit if state.ablation is not None else state.optimum
    if commit == state.start.base_commit:
        return []
    return state.search_pairs(state.start.base_commit, commit)


def piece_pairs(state: CampaignState, piece: str) -> list[Pair]:
    """The (without, with) runs of one piece, as the patch was when the piece was judged."""
    planned = state.ablation
    if planned is None:
        return []
    order = [p.id for p in planned.pieces]
    gone = tuple(p for p in dropped(state) if order.index(p) < order.index(piece))
    tried = state.reduced.get((*gone, piece))
    if tried is None:
        return []
    whole = state.reduced[gone].patch.commit if gone else planned.commit
    return state.search_pairs(tried.patch.commit, whole)


def control_pairs(state: CampaignState, name: str) -> list[Pair]:
    """The (reference, other) runs that a control compares, over the fresh seeds.

    The reference is the baseline for the null patch, the baseline with more compute for the
    compute-matched one, and the candidate of the confirmation for the rest.
    """
    plan = state.plan
    if plan is None:
        return []
    base, null = state.start.base_commit, state.null_patch
    variant = matching.variant_name(state) if name == MATCHED else name
    confirm, control = (Purpose.CONFIRM, ""), (Purpose.CONTROL, variant)
    if name == NULL:
        return _fresh(state, (base, *confirm), (null.commit if null else "", *control))
    if name == MATCHED:
        return _fresh(state, (base, *control), (plan.commit, *confirm))
    return _fresh(state, (plan.commit, *confirm), (plan.commit, *control))


def transfer_pairs(state: CampaignState, name: str) -> list[Pair]:
    """The (baseline, candidate) runs in another setting."""
    if state.plan is None:
        return []
    setting = (Purpose.TRANSFER, f"transfer {name}")
    return _fresh(state, (state.start.base_commit, *setting), (state.plan.commit, *setting))


def _fresh(
    state: CampaignState, left: tuple[str, Purpose, str], right: tuple[str, Purpose, str]
) -> list[Pair]:
    """Runs of two sides, each (commit, purpose, variant), over the plan's seeds."""
    assert state.plan is not None
    found = []
    for seed in state.plan.seeds:
        before = state.run(left[1], left[0], seed, left[2])
        after = state.run(right[1], right[0], seed, right[2])
        if before is None or after is None:
            continue
        if before.outcome is Outcome.OK is after.outcome:
            found.append((before, after))
    return found


def compare_pairs(
    metric: str,
    state: CampaignState,
    pairs: Sequence[Pair],
    *,
    corrections: int = 1,
    confidence: float = 0.95,
    exact: bool = False,
    direction: Direction | None = None,
) -> Comparison | None:
    """The paired comparison on one metric; None when a value of it is missing.

    `direction` is the objective's unless given.
    """
    before = [a.metrics.get(metric) for a, _ in pairs]
    after = [b.metrics.get(metric) for _, b in pairs]
    if not pairs or None in before or None in after:
        return None
    return statistics.compare(
        metric,
        direction or state.objective.direction,
        [v for v in before if v is not None],
        [v for v in after if v is not None],
        corrections=corrections,
        confidence=confidence,
        exact=exact,
    )
