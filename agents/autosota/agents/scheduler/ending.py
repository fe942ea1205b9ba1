"""How a campaign ends: its last event, and why nothing was found.

Pure. Which verdict it is was decided by the phase that ends; here are its numbers.
"""

from __future__ import annotations

import math

from autosota.agents.domain import CampaignVerdict, Fate
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.claims import MATCHED, claim_caps, compute_change
from autosota.agents.scheduler.spending import NULL_PAIRS, can_afford_idea, run_seconds
from autosota.agents.scheduler.state import CampaignState
from autosota.agents.scheduler.statistics import LEAST_CONFIRM_PAIRS


def finish(state: CampaignState, verdict: CampaignVerdict, reason: str) -> ev.CampaignFinished:
    """The campaign's last event, with the numbers that its receipts hold."""
    judged = state.confirmation
    result = judged.comparison if judged is not None else None
    baseline = best = None
    interval = None
    if result is not None:
        baseline, best = result.baseline_mean, result.candidate_mean
        if result.low is not None and result.high is not None:
            interval = (result.low, result.high)
    elif state.baseline is not None:
        baseline = state.baseline.claim_mean
    matched = state.controls.get(MATCHED)
    known = judged is not None and matched is not None and matched.passed is not None
    return ev.CampaignFinished(
        verdict=verdict,
        reason=reason,
        baseline=baseline,
        best=best,
        interval=interval,
        patch=state.best.patch if state.best is not None else "",
        evaluations=len(state.runs),
        ideas=len(state.tried),
        reads_of_claim_metric=state.claim_reads,
        compute=compute_change(state),
        equal_compute=matched.comparison if matched is not None and known else None,
        caps=claim_caps(state) if state.baseline is not None else (),
    )


def why_no_gain(state: CampaignState) -> str:
    """The reason of `no_gain` when nothing was kept."""
    if state.objective.budget.ideas == 0:
        return "only the baseline was asked for"
    if not state.ideas:
        return "no idea of the catalogue applies to this code"
    if not state.tried:
        if not can_afford_idea(state):
            return nothing_tried(state)
        return "no idea could be implemented and cleared"
    measured = [j.comparison for j in state.judged.values() if j.comparison is not None]
    gains = [c for c in measured if c.difference is not None]
    if not gains:
        return "every idea that was tried failed to run"
    best = max(gains, key=lambda c: c.difference or 0.0)
    tried = ideas_text(len(state.tried))
    for judged in state.judged.values():
        if judged.comparison is best and judged.fate is Fate.GUARDED and (best.difference or 0) > 0:
            return (
                f"{tried} tried; the best, {state.ideas[judged.idea].title}, had "
                f"{best.difference:+.4g} on {best.metric}, but {judged.reason}"
            )
    text = f"{tried} tried, none beyond noise"
    if best.low is not None and best.high is not None:
        text += f"; the best had {best.difference:+.4g} ({best.low:+.4g} to {best.high:+.4g})"
    return f"{text} on {best.metric}"


def nothing_tried(state: CampaignState) -> str:
    """Why no idea was tried at all, and the budget with which one can be, and be confirmed."""
    budget, had = state.objective.budget, len(state.runs)
    need = least_evaluations(state)
    if budget.evaluations < need:
        return (
            f"Nothing was tried: {budget.evaluations} evaluations allow the baseline only "
            f"({had} runs); set budget.evaluations to at least {need}"
        )
    seconds = math.ceil(state.wall_seconds + (need - had) * run_seconds(state))
    return (
        f"Nothing was tried: {budget.wall_seconds:.0f} s allow the baseline only ({had} runs of "
        f'{run_seconds(state):.3g} s); set budget.wall to at least "{seconds}s"'
    )


def least_evaluations(state: CampaignState) -> int:
    """The smallest budget for the baseline, one idea, its confirmation and the usual controls."""
    objective = state.objective
    pairs = min(objective.confirm_seeds, LEAST_CONFIRM_PAIRS)
    return 2 * len(objective.seeds) + 2 * pairs + NULL_PAIRS + 1


def ideas_text(count: int) -> str:
    """`1 idea`, `3 ideas`."""
    return f"{count} idea{'s' * (count != 1)}"
