"""AgentInit: how a repository is run, found by reading it (paper, section 3.4).

Commands, flags, evaluators, data and requirements. Nothing is executed here.
"""
