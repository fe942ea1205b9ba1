"""Ablation to the smallest patch: which hunk carries how much, and what can go.

Pure. After the search the optimum's change is taken apart. Backward elimination: each piece
is left out in turn, and the rest is run paired with the patch as it then is, on seeds that
chose nothing before: on the search's own seeds a piece that was kept by luck still looks lucky.
A piece without which the gain stays is dropped for good, so what is confirmed later is the smallest
patch that keeps the gain, and the report can say what each piece carries. It looks at the
search metric only, and spends what the confirmation and the controls leave.
"""

from __future__ import annotations

from dataclasses import replace

from autosota.agents.domain import Comparison, Decision, Patch
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.actions import Action, Audit, Execute, Record, Reduce, TakeApart
from autosota.agents.scheduler.search import ideas_of
from autosota.agents.scheduler.spending import (
    can_afford_runs,
    confirmation_pairs,
    controls_cost,
    evaluations_left,
)
from autosota.agents.scheduler.state import CampaignState
from autosota.agents.scheduler.trial import Failed, compare_search, race

NEEDED_P = 0.15
"""A piece stays when the loss without it has at most this one-sided p; else it may go."""

MOST_PIECES = 12
"""More pieces than that are not taken apart: it would be another search."""


def next_step(state: CampaignState) -> Action | None:
    """The next step of the ablation; None when it is over or not possible."""
    best = state.best
    if best is None or state.plan is not None:
        return None
    if state.ablation_skipped:
        return None
    plan = state.ablation
    if plan is None:
        if not _affordable(state):
            return Record(ev.AblationSkipped(best.patch, _no_room(state)))
        return TakeApart(best.patch, best.commit)
    if len(plan.pieces) > MOST_PIECES:
        why = f"it has {len(plan.pieces)} pieces, and at most {MOST_PIECES} are taken apart"
        return Record(ev.AblationSkipped(plan.patch, why))
    if len(plan.pieces) < 2:
        return None
    for piece in plan.pieces:
        if piece.id in state.pieces:
            continue
        return _weigh(state, plan, piece)
    kept = kept_patch(state)
    if kept is not None and best.commit != kept.commit:
        return Record(ev.BestMoved(kept.commit, kept.id, ideas_of(state, plan.commit)))
    return None


def dropped(state: CampaignState) -> tuple[str, ...]:
    """The pieces that were judged not to be needed, in the patch's order."""
    plan = state.ablation
    if plan is None:
        return ()
    judged = state.pieces
    return tuple(p.id for p in plan.pieces if p.id in judged and not judged[p.id].needed)


def kept_patch(state: CampaignState) -> Patch | None:
    """The patch without the dropped pieces: the whole when none was."""
    plan = state.ablation
    if plan is None:
        return None
    gone = dropped(state)
    return state.reduced[gone].patch if gone else state.patches[plan.patch]


def compare_piece(state: CampaignState, piece: str) -> Comparison | None:
    """The patch before the decision on a piece against the same without it; positive: it helps.

    As it was when the piece was judged: pieces judged later are still in on both sides.
    """
    plan = state.ablation
    if plan is None:
        return None
    order = [p.id for p in plan.pieces]
    earlier = tuple(p for p in dropped(state) if order.index(p) < order.index(piece))
    with_it = state.reduced[earlier].patch.commit if earlier else plan.commit
    tried = state.reduced.get((*earlier, piece))
    if tried is None:
        return None
    found = compare_search(state, tried.patch.commit, with_it)
    return replace(found, corrections=1, corrected_p=found.p_value) if found is not None else None


def _affordable(state: CampaignState) -> bool:
    runs = 2 * _seeds(state) + controls_cost(state, known=True)
    return can_afford_runs(state, runs, confirm=True)


def _no_room(state: CampaignState) -> str:
    """What was left, and what a first piece would have taken."""
    kept = controls_cost(state, known=True) + 2 * confirmation_pairs(state)
    left = max(0, evaluations_left(state) - kept)
    if left < 2 * _seeds(state):
        return (
            f"the budget left no room: a piece takes {2 * _seeds(state)} evaluations, and "
            f"{left} are left beside the confirmation and its controls"
        )
    return "the wall budget left no room for it beside the confirmation and its controls"


def _seeds(state: CampaignState) -> int:
    return len(state.objective.seeds)


def _weigh(state: CampaignState, plan: ev.AblationPlanned, piece: ev.Piece) -> Action:
    """Leave one piece out and run what is left."""
    gone = dropped(state)
    if len(gone) == len(plan.pieces) - 1:
        return _judge(piece, True, "it is all that is left")
    without = (*gone, piece.id)
    reduced = state.reduced.get(without)
    if reduced is None:
        if not _affordable(state):
            return _judge(piece, True, "not measured: the budget left no room")
        return Reduce(plan.patch, without)
    verdict = state.verdicts.get(reduced.patch.id)
    if verdict is None:
        return Audit(reduced.patch.id)
    if verdict.decision is not Decision.CLEARED:
        return _judge(piece, True, "without it the audit does not clear the patch")
    whole = state.reduced[gone].patch.commit if gone else plan.commit
    seeds = state.more_seeds(_seeds(state))
    step = race(state, whole, reduced.patch.commit, reduced.patch.id, seeds, whole=True)
    if isinstance(step, Execute):
        return step
    if isinstance(step, Failed):
        return _judge(piece, True, f"without it the patch does not run: {step.reason}")
    result = compare_piece(state, piece.id)
    assert result is not None and result.difference is not None
    needed = result.difference > 0 and (result.p_value is None or result.p_value <= NEEDED_P)
    why = "the gain needs it" if needed else "the gain stays without it"
    return _judge(piece, needed, why, result)


def _judge(
    piece: ev.Piece, needed: bool, reason: str, comparison: Comparison | None = None
) -> Record:
    return Record(ev.PieceJudged(piece.id, needed, reason, comparison))
