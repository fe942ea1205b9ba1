"""Which idea is tried next: a pure function of the library and of what was learned."""

from __future__ import annotations

from autosota.agents.domain import Fate, Granularity, Hypothesis, Level
from autosota.agents.scheduler.state import CampaignState

LEAP_AFTER = 3
"""Paper, 3.8: after three PARAM iterations in a row the next idea must be structural."""

_WORTH = {Level.HIGH: 3.0, Level.MEDIUM: 2.0, Level.LOW: 1.0}
_RISK = {Level.LOW: 0.0, Level.MEDIUM: 0.25, Level.HIGH: 0.5}


def untried(state: CampaignState) -> list[Hypothesis]:
    """Admissible ideas that were neither selected nor refused, in the library's order."""
    return [
        idea
        for idea in state.ideas.values()
        if idea.admissible and idea.id not in state.selected and idea.id not in state.refused
    ]


def needs_leap(state: CampaignState) -> bool:
    """True when the three latest iterations were all PARAM."""
    latest = [state.ideas[i].granularity for i in state.selected][-LEAP_AFTER:]
    return len(latest) == LEAP_AFTER and all(g is Granularity.PARAM for g in latest)


def score(idea: Hypothesis, state: CampaignState) -> float:
    """Prior worth minus risk, moved by how ideas of the same transformation fared here."""
    value = _WORTH[idea.priority] - _RISK[idea.risk]
    for judged in state.judged.values():
        other = state.ideas[judged.idea]
        if other.transformation != idea.transformation:
            continue
        if judged.fate in (Fate.PROVISIONAL, Fate.CONFIRMED):
            value += 0.5
        elif judged.fate is not Fate.NOT_APPLICABLE:
            value -= 0.75
    return value


def choose(state: CampaignState) -> tuple[Hypothesis, str] | None:
    """The next idea and why; None when the library has nothing left.

    Ties keep the library's order, so the choice is deterministic.
    """
    ideas = untried(state)
    if not ideas:
        return None
    leap = needs_leap(state)
    structural = [i for i in ideas if i.granularity is not Granularity.PARAM]
    pool = structural if leap and structural else ideas
    best = max(pool, key=lambda idea: score(idea, state))
    why = "leap: the last three ideas were all PARAM; " if leap and structural else ""
    return best, f"{why}{best.priority.lower()} priority, {best.risk.lower()} risk"
