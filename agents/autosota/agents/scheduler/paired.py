"""Values of single runs, and the comparison of two sides over common seeds.

Pure. Which sides are compared, and what follows from it, is `controls`' and `matching`'s business.
"""

from __future__ import annotations

from collections.abc import Sequence

from autosota.agents.domain import Comparison, Outcome, Purpose
from autosota.agents.scheduler import statistics
from autosota.agents.scheduler.claims import confirm_pairs
from autosota.agents.scheduler.state import CampaignState


def value_of(
    state: CampaignState, purpose: Purpose, commit: str, seed: int, variant: str, metric: str
) -> float | None:
    """A metric of one run that ended well; None while there is none."""
    run = state.run(purpose, commit, seed, variant)
    if run is None or run.outcome is not Outcome.OK:
        return None
    return run.metrics.get(metric)


def differences(state: CampaignState, metric: str) -> list[float]:
    """Candidate minus baseline on the confirmation's pairs, positive is better."""
    sign = state.objective.direction.sign
    found = []
    for before, after in confirm_pairs(state):
        old, new = before.metrics.get(metric), after.metrics.get(metric)
        if old is not None and new is not None:
            found.append(sign * (new - old))
    return found


def compared(
    state: CampaignState,
    metric: str,
    pairs: Sequence[tuple[float | None, float | None]],
    *,
    confidence: float = 0.95,
) -> Comparison | None:
    """The comparison of (reference, other) values; None while one is missing."""
    before = [a for a, b in pairs if a is not None and b is not None]
    after = [b for a, b in pairs if a is not None and b is not None]
    if not pairs or len(before) < len(pairs):
        return None
    return statistics.compare(
        metric, state.objective.direction, before, after, confidence=confidence
    )
