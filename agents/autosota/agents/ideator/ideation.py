"""AgentIdeator: every published idea that fits this code, and the patch for each.

`propose` drafts each change and keeps those that stay outside the evaluation boundary and
parse; `implement` drafts one of them again in another tree, found by structure. Neither runs
code, and neither decides what is allowed: the supervisor does, on the change.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace

from autosota.agents.domain import Boundary, Hypothesis, Level, Objective
from autosota.agents.ideator.catalogue import CATALOGUE
from autosota.agents.ideator.combination import combine
from autosota.agents.ideator.draft import Implementation
from autosota.agents.ideator.forbidden import forbidden
from autosota.agents.ideator.levers import admitted, levers
from autosota.agents.ideator.module import Module, Project
from autosota.agents.ideator.ranking import Candidate, rank
from autosota.agents.ideator.reach import Reach
from autosota.agents.ideator.scope import Scope
from autosota.agents.ideator.transformation import Lever, Scalar, Transformation
from autosota.agents.protocols import Tree

_NOTHING: Mapping[str, Hypothesis] = {}


def propose(tree: Tree, objective: Objective, boundary: Boundary) -> list[Hypothesis]:
    """The idea library for a tree, best first; what is not admissible comes last.

    Deterministic, and no identifier depends on which other ideas were found.
    """
    project = Project(tree, objective, boundary)
    scope = Scope(project, objective, boundary)
    reach = Reach(scope.reached() if scope.entries else (), scope.entries)
    found: dict[str, tuple[Hypothesis, Transformation, Lever]] = {}
    for module in scope.modules():
        for transformation in CATALOGUE:
            for arguments, lever in levers(transformation, module):
                if not admitted(lever, module, scope, reach):
                    continue
                idea = _hypothesis(transformation, lever, module, arguments)
                found.setdefault(idea.id, (idea, transformation, lever))
    found = _once(found)
    candidates = [
        Candidate(id_, t.name, t.family, min(1.0, t.prior * lever.weight) / lever.cost**0.5)
        for id_, (_, t, lever) in found.items()
    ]
    ranked = [replace(found[id_][0], priority=level) for id_, level in rank(candidates)]
    return ranked + list(forbidden(project, scope))


def _once(
    found: dict[str, tuple[Hypothesis, Transformation, Lever]],
) -> dict[str, tuple[Hypothesis, Transformation, Lever]]:
    """Of two ideas that set one literal to one value, the one that knows more of it."""

    def key(lever: Lever) -> tuple[object, object]:
        return lever.dials[0].site, lever.arguments.get("to")

    known = {
        key(lever)
        for _, transformation, lever in found.values()
        if lever.dials and not transformation.name.startswith("named-")
    }
    return {
        id_: (idea, transformation, lever)
        for id_, (idea, transformation, lever) in found.items()
        if not (lever.dials and transformation.name.startswith("named-") and key(lever) in known)
    }


def implement(
    hypothesis: Hypothesis, tree: Tree, library: Mapping[str, Hypothesis] = _NOTHING
) -> Implementation:
    """Carry out an idea in this tree, which may already hold other ideas.

    Args:
        hypothesis: an idea of the catalogue, a tuning, or a combination.
        tree: the code to change.
        library: where a combination finds its parts, by identifier.

    Raises:
        NotApplicable: the lever is not there (any more), or the idea was applied before.
    """
    return combine([hypothesis], tree, library)


def _hypothesis(
    transformation: Transformation, lever: Lever, module: Module, arguments: dict[str, Scalar]
) -> Hypothesis:
    symbol = module.symbol(lever.node)
    identity = json.dumps(
        [transformation.name, module.path, symbol, sorted(arguments.items())], sort_keys=True
    )
    digest = hashlib.sha256(identity.encode()).hexdigest()[:6]
    stem = module.path.rpartition("/")[2].removesuffix(".py")
    slug = re.sub(r"[^a-z0-9.]+", "-", f"{transformation.name}-{stem}.{symbol}".lower())
    costs = (f"a run takes about {lever.cost:g} times as long",) if lever.cost > 1.1 else ()
    return Hypothesis(
        id=f"{slug.strip('-.')}-{digest}",
        title=lever.title,
        granularity=transformation.granularity,
        transformation=transformation.name,
        place=module.source.place(lever.node),
        symbol=symbol,
        reason=lever.reason,
        paper=transformation.paper,
        expected=transformation.expected,
        priority=Level.MEDIUM,
        risk=transformation.risk,
        assumptions=(*transformation.assumptions, *lever.assumptions, *costs),
        family=transformation.family,
        cost=lever.cost,
        arguments=arguments,
    )
