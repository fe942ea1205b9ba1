"""Every idea of the catalogue on the bundled examples is one that the audit clears."""

from __future__ import annotations

from autosota.agents.code.tree import PatchedTree
from autosota.agents.domain import Decision
from autosota.agents.ideator.ideation import implement, propose
from autosota.agents.supervisor.audit import audit
from autosota.agents.supervisor.boundary import draw_boundary


def test_the_catalogue_is_cleared_on_the_examples(repositories):
    refused = {}
    count = 0
    for name in ("digits", "mnist1d"):
        tree, objective = repositories.example(name)
        boundary = draw_boundary(tree, objective)
        for idea in propose(tree, objective, boundary):
            if not idea.admissible:
                continue
            count += 1
            candidate = PatchedTree(tree, implement(idea, tree).changes)
            verdict = audit(tree, candidate, objective, boundary)
            if verdict.decision is not Decision.CLEARED:
                refused[name, idea.transformation] = [(f.code, f.message) for f in verdict.findings]
    assert count >= 24
    assert not refused
