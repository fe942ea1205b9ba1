"""Steps 0 and 1 of an iteration: reflect on what was measured, and select the next idea.

A pure function of the state. The score of an idea is an upper confidence bound on its chance to
be kept, per square root of its cost:

    score = (p + NOVELTY * sqrt(ln(1 + N) / (1 + n))) / sqrt(cost)

`p` is the prior of its priority, less its risk, moved by how the n ideas of its family fared
among all N (a beta prior worth `PRIOR_TRIALS` trials); the second term is the novelty of families
seldom tried (UCB1: Auer, Cesa-Bianchi & Fischer 2002). A run that takes twice as long has to
promise 1.4 times as much. Ties keep the library's order, so the choice is deterministic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from autosota.agents.domain import Fate, Granularity, Hypothesis, Level
from autosota.agents.scheduler.state import CampaignState

LEAP_AFTER = 3
"""Paper, 3.8: after three PARAM iterations in a row the next idea must be structural."""

LEAP_CANDIDATES = 3
"""Paper, 3.8: a leap looks at three candidates, each audited again."""

STAGNATION = 6
"""Iterations without a keep after which the search combines, or leaps."""

PRIOR_TRIALS = 3.0
NOVELTY = 0.10
PROMISING_P = 0.30
MOST_COMBINED = 3

_PRIOR = {Level.HIGH: 0.45, Level.MEDIUM: 0.25, Level.LOW: 0.12}
_RISK = {Level.LOW: 1.0, Level.MEDIUM: 0.85, Level.HIGH: 0.7}
_CREDIT_OF_PROMISE = 0.3


@dataclass(frozen=True, slots=True)
class Experience:
    """What was measured of one family: ideas tried, and how much they were worth in all."""

    trials: int = 0
    credit: float = 0.0


def family_of(idea: Hypothesis) -> str:
    """The family whose fortunes an idea shares; its transformation where none is given."""
    return idea.family or idea.transformation


def reflect(state: CampaignState) -> dict[str, Experience]:
    """Step 0: the experience with each family, from the ideas judged so far."""
    found: dict[str, Experience] = {}
    for judged in state.judged.values():
        if judged.fate in (Fate.NOT_APPLICABLE, Fate.REJECTED):
            continue
        family = family_of(state.ideas[judged.idea])
        old = found.get(family, Experience())
        credit = 0.0
        result = judged.comparison
        if judged.fate in (Fate.PROVISIONAL, Fate.CONFIRMED):
            credit = 1.0
        elif result is not None and (result.difference or 0.0) > 0:
            credit = _CREDIT_OF_PROMISE
        found[family] = Experience(old.trials + 1, old.credit + credit)
    return found


def score(idea: Hypothesis, experience: dict[str, Experience]) -> float:
    """How much an idea promises for what it costs; see the module's docstring."""
    seen = experience.get(family_of(idea), Experience())
    total = sum(e.trials for e in experience.values())
    prior = _PRIOR[idea.priority] * _RISK[idea.risk]
    chance = (PRIOR_TRIALS * prior + seen.credit) / (PRIOR_TRIALS + seen.trials)
    novelty = NOVELTY * math.sqrt(math.log1p(total) / (1 + seen.trials))
    return (chance + novelty) / math.sqrt(max(idea.cost, 0.1))


def untried(state: CampaignState) -> list[Hypothesis]:
    """Admissible ideas that may be tried on the head, in the library's order.

    Left out is what was tried or refused; but an idea that was only tried on a leap that was
    rolled back may be tried again on other code. What the tuner or a combination made is for
    the commit it was made for; what was superseded there does not apply to the head.
    """
    trials: dict[str, set[str]] = {}
    for iteration in state.iterations:
        trials.setdefault(iteration.idea, set()).add(iteration.parent)
    elsewhere = {
        idea
        for commit, ideas in (*state.tuned.items(), *state.combined.items())
        if commit != state.head
        for idea in ideas
    }
    head = state.head
    superseded = state.superseded.get(head, set())
    found = []
    for idea in state.ideas.values():
        if not idea.admissible or idea.id in state.refused:
            continue
        if idea.id in state.dead or idea.id in elsewhere or idea.id in superseded:
            continue
        on = trials.get(idea.id)
        if on is not None and (head in on or not on <= state.lost_commits):
            continue
        found.append(idea)
    return found


def needs_leap(state: CampaignState) -> bool:
    """True when the three latest iterations were all PARAM, or nothing was kept for long."""
    latest = [state.ideas[i.idea].granularity for i in state.iterations][-LEAP_AFTER:]
    if len(latest) == LEAP_AFTER and all(g is Granularity.PARAM for g in latest):
        return True
    return stagnates(state) and latest[-1] is Granularity.PARAM


def stagnates(state: CampaignState) -> bool:
    """True when the last iterations kept nothing."""
    latest = state.iterations[-STAGNATION:]
    if len(latest) < STAGNATION:
        return False
    fates = [state.judged[i.idea].fate for i in latest if i.idea in state.judged]
    return Fate.PROVISIONAL not in fates


def choose(state: CampaignState) -> tuple[Hypothesis, str] | None:
    """The next idea and why; None when the library has nothing left for the head."""
    ideas = untried(state)
    if not ideas:
        return None
    made_for_head = {
        *state.tuned.get(state.head, ()),
        *state.combined.get(state.head, ()),
    }
    for idea in ideas:
        if idea.id in made_for_head:
            return idea, idea.reason
    experience = reflect(state)
    pool = ideas
    if needs_leap(state):
        pool = [i for i in ideas if i.granularity is not Granularity.PARAM] or ideas
    best = max(pool, key=lambda idea: score(idea, experience))
    return best, _why(best, experience)


def leap_candidates(state: CampaignState) -> list[Hypothesis]:
    """The structural ideas of a leap, best first; at most three, of different families first."""
    experience = reflect(state)
    ideas = [
        i
        for i in untried(state)
        if i.granularity is not Granularity.PARAM and i.provenance != "combination"
    ]
    ranked = sorted(ideas, key=lambda idea: -score(idea, experience))
    chosen: list[Hypothesis] = []
    for once in (True, False):
        for idea in ranked:
            new = family_of(idea) not in {family_of(c) for c in chosen}
            if len(chosen) < LEAP_CANDIDATES and idea not in chosen and (new or not once):
                chosen.append(idea)
    return chosen


def promising(state: CampaignState) -> list[str]:
    """Ideas on the optimum that were better, but not beyond noise; the clearest first.

    Together they may be worth what none of them shows alone.
    """
    found = []
    for iteration in state.iterations:
        judged = state.judged.get(iteration.idea)
        result = judged.comparison if judged is not None else None
        if (
            judged is None
            or judged.fate is not Fate.NOISE
            or iteration.parent != state.optimum
            or state.ideas[iteration.idea].provenance == "combination"
            or result is None
            or (result.difference or 0.0) <= 0
            or result.p_value is None
            or result.p_value > PROMISING_P
        ):
            continue
        found.append((result.p_value, iteration.idea))
    return [idea for _, idea in sorted(set(found))[:MOST_COMBINED]]


def _why(idea: Hypothesis, experience: dict[str, Experience]) -> str:
    text = f"{idea.priority.lower()} priority, {idea.risk.lower()} risk"
    seen = experience.get(family_of(idea))
    if seen is not None:
        text += f"; {seen.credit:g} of {seen.trials} in its family helped"
    if idea.cost > 1.1:
        text += f"; a run takes {idea.cost:g} times as long"
    return text
