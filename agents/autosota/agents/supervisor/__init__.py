"""AgentSupervisor: the red lines as code (paper, 3.9): the boundary, and the audit of a change."""
