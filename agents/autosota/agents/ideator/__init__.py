"""AgentIdeator: hypotheses for this code, and the patches that carry them out (paper, 3.7).

Deterministic: a catalogue of published transformations over scikit-learn and PyTorch code.
Runs nothing, and decides nothing: the supervisor audits every change it makes.
"""

from autosota.agents.ideator.draft import Implementation, NotApplicable
from autosota.agents.ideator.ideation import implement, propose

__all__ = ["Implementation", "NotApplicable", "implement", "propose"]
