"""AgentIdeator: hypotheses for this code, and the patches that carry them out (paper, 3.7)."""
