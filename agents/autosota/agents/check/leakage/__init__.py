"""The leakage rules, LK101 to LK122: what reaches training, or a choice, from the tested rows."""

from autosota.agents.check.leakage import choosing, design, overlap, preprocessing, sources

RULES = (
    *preprocessing.RULES,
    *overlap.RULES,
    *choosing.RULES,
    *design.RULES,
    *sources.RULES,
)
