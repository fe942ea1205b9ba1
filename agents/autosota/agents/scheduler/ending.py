"""How a campaign ends: its last event, and why nothing was found.

Pure. Which verdict it is was decided by the phase that ends; here are its numbers.
"""

from __future__ import annotations

from autosota.agents.domain import CampaignVerdict, Fate
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.claims import claim_caps, compute_change
from autosota.agents.scheduler.spending import can_afford_idea, confirmation_pairs
from autosota.agents.scheduler.state import CampaignState


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
        caps=claim_caps(state) if state.baseline is not None else (),
    )


def why_no_gain(state: CampaignState) -> str:
    """The reason of `no_gain` when nothing was kept."""
    if not state.ideas:
        return "no idea of the catalogue applies to this code"
    if not state.tried:
        if not can_afford_idea(state):
            need = len(state.objective.seeds) + 2 * confirmation_pairs(state)
            return (
                f"the budget left no room to try an idea after {len(state.runs)} baseline runs: "
                f"one idea and its confirmation need {need} more evaluations"
            )
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


def ideas_text(count: int) -> str:
    """`1 idea`, `3 ideas`."""
    return f"{count} idea{'s' * (count != 1)}"
