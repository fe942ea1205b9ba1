"""The brain: eight agents, the code model and the red lines.

Nothing here touches the world (files, processes, network, clock) except through the
Protocols in `autosota.agents.protocols`. Nothing here imports from `autosota.server`.
"""
