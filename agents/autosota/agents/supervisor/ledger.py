"""What the ledger of a campaign itself shows of its best find: luck, and gains without the work.

Reads the search metric only, which nobody hides; the claim's own tests are `confirmation`'s.
Pure: from the folded state to findings.
"""

from __future__ import annotations

from autosota.agents.domain import Direction, Fate, Finding
from autosota.agents.scheduler import statistics
from autosota.agents.scheduler.state import CampaignState
from autosota.agents.supervisor import evidence


def findings_of(state: CampaignState) -> list[Finding]:
    """Findings about the best of a search, and about guards that its confirmation broke."""
    if state.best is None:
        return []
    confirmed = state.confirmation is not None and state.confirmation.fate is Fate.CONFIRMED
    found = [_work(state)]
    if not confirmed:
        found.append(_luck(state))
    if state.confirmation is not None:
        guards = {g.name: g for g in state.objective.guards}
        found += [
            evidence.guarded(guards[r.name], r)
            for r in state.confirmation.guards
            if r.name in guards
        ]
    return [f for f in found if f is not None]


def _luck(state: CampaignState) -> Finding | None:
    """SEL503, by the ideas whose search metric was seen and the noise of all their gains."""
    gains = [d for d in state.differences.values() if len(d) >= _PAIRS]
    if not gains:
        return None
    best = max(gains, key=statistics.mean)
    freedom = sum(len(d) - 1 for d in gains)
    pooled = sum((len(d) - 1) * statistics.sample_sd(d) ** 2 for d in gains) / freedom
    error = (pooled / len(best)) ** 0.5
    if statistics.is_negligible(error, best):
        return None
    return evidence.explained_by_tries(statistics.mean(best), len(state.looked_at), error)


_PAIRS = 3
"""Fewer say too little of their own noise."""


def _work(state: CampaignState) -> Finding | None:
    """SEL505, by the search's runs of base and best over the same seeds."""
    assert state.best is not None
    objective = state.objective
    pairs = state.search_pairs(state.start.base_commit, state.best.commit)
    values = [
        (b.metrics.get(objective.select_on), a.metrics.get(objective.select_on)) for b, a in pairs
    ]
    known = [(b, a) for b, a in values if b is not None and a is not None]
    if not known:
        return None
    fraction = objective.source_of(objective.select_on).unit == "fraction"
    perfect = 1.0 if objective.direction is Direction.MAXIMIZE else 0.0
    return evidence.implausible(
        statistics.mean([b for b, _ in known]),
        statistics.mean([a for _, a in known]),
        objective.direction,
        perfect=perfect if fraction else None,
        seconds=(
            statistics.median([b.wall_seconds for b, _ in pairs]),
            statistics.median([a.wall_seconds for _, a in pairs]),
        ),
    )
