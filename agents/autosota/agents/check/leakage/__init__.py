"""The leakage rules, LK101 to LK122: what reaches training, or a choice, from the tested rows."""

from autosota.agents.check.leakage import overlap, preprocessing

RULES = (*preprocessing.RULES, *overlap.RULES)
