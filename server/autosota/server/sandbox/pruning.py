"""Ending a run early because of the values it reports on the way.

Which values are too bad to go on is the caller's (`Pruning.bounds`); how a run is ended is the
launcher's.
"""

from __future__ import annotations

import math

from autosota.agents.domain import Pruning


class Pruner:
    """Watches one metric of one run.

    Args:
        pruning: The metric and its bounds.

    Attributes:
        reason: Why the run should end, with step, value and bound; empty while it may go on.
    """

    def __init__(self, pruning: Pruning) -> None:
        self._pruning = pruning
        self._bounds = dict(pruning.bounds)
        self.reason = ""
        self._best: float | None = None

    def take(self, name: str, step: int, value: float) -> None:
        """Look at one value on the way: its best so far is what the bounds are for.

        One that is no number at a bounded step is worse than any bound.
        """
        if name != self._pruning.metric or self.reason:
            return
        sign = self._pruning.direction.sign
        if not math.isnan(value):
            better = self._best is None or sign * value > sign * self._best
            self._best = value if better else self._best
        bound = self._bounds.get(step)
        if bound is None:
            return
        best = self._best
        if math.isnan(value) or best is None or sign * best < sign * bound:
            shown = value if best is None or math.isnan(value) else best
            self.reason = f"pruned at step {step}: {name} is {shown}, worse than {bound}"
