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

    def take(self, name: str, step: int, value: float) -> None:
        """Look at one value on the way. One that is no number is worse than any bound."""
        bound = self._bounds.get(step)
        if bound is None or name != self._pruning.metric or self.reason:
            return
        sign = self._pruning.direction.sign
        if math.isnan(value) or sign * value < sign * bound:
            self.reason = f"pruned at step {step}: {name} is {value}, worse than {bound}"
