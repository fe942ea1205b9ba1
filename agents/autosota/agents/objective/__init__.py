"""AgentObjective: what a repository measures and what its paper claims (paper, section 3.3).

Found by reading the code and the documents. What is worth optimising is the user's word.
"""
