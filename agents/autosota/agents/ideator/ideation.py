"""AgentIdeator: every published idea that fits this code, and the patch for each.

`propose` drafts each change and keeps those that stay outside the evaluation boundary and
parse; `implement` drafts one of them again in another tree, found by structure. Neither runs
code, and neither decides what is allowed: the supervisor does, on the change.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from autosota.agents.domain import Boundary, Hypothesis, Level, Objective
from autosota.agents.ideator.catalogue import CATALOGUE
from autosota.agents.ideator.draft import Implementation, NotApplicable
from autosota.agents.ideator.forbidden import forbidden
from autosota.agents.ideator.module import Module, Project, statement_of
from autosota.agents.ideator.ranking import Candidate, rank
from autosota.agents.ideator.reach import Reach
from autosota.agents.ideator.scope import Scope
from autosota.agents.ideator.transformation import Lever, Scalar, Transformation
from autosota.agents.protocols import Tree


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
            for arguments, lever in _levers(transformation, module):
                if not _admitted(lever, module, scope, reach):
                    continue
                idea = _hypothesis(transformation, lever, module, arguments)
                found.setdefault(idea.id, (idea, transformation, lever))
    candidates = [
        Candidate(id_, t.name, t.family, min(1.0, t.prior * lever.weight) / lever.cost**0.5)
        for id_, (_, t, lever) in found.items()
    ]
    ranked = [replace(found[id_][0], priority=level) for id_, level in rank(candidates)]
    return ranked + list(forbidden(project, scope))


def implement(hypothesis: Hypothesis, tree: Tree) -> Implementation:
    """Carry out an idea in this tree, which may already hold other ideas.

    Raises:
        NotApplicable: the lever is not there (any more), or the idea was applied before.
    """
    transformation = _BY_NAME.get(hypothesis.transformation)
    path = hypothesis.place.path
    if not hypothesis.admissible:
        raise NotApplicable(f"not admissible: {hypothesis.admissible_reason}")
    if transformation is None:
        raise NotApplicable(f"no transformation is called {hypothesis.transformation!r}")
    module = Project(tree).module(path)
    if module is None:
        raise NotApplicable(f"{path} is not a readable Python file in this tree")
    wanted = dict(hypothesis.arguments)
    matches = []
    for arguments, lever in _levers(transformation, module, keep_near=True):
        if "near" not in wanted:
            arguments.pop("near", None)
        if module.symbol(lever.node) == hypothesis.symbol and arguments == wanted:
            matches.append(lever)
    if len(matches) == 1:
        return matches[0].draft(module).finish()
    why = "is there more than once" if matches else "is not there as expected (applied already?)"
    raise NotApplicable(f"{path}: {wanted.get('lever', hypothesis.symbol)!r} {why}")


_BY_NAME = {transformation.name: transformation for transformation in CATALOGUE}


def _levers(
    transformation: Transformation, module: Module, *, keep_near: bool = False
) -> Iterator[tuple[dict[str, Scalar], Lever]]:
    """Levers with the arguments that identify them within their file and symbol.

    Two levers that look alike by structure are told apart by the text of their statement;
    two that look alike even then are not offered, as they could not be found again.
    """
    levers = []
    for lever in transformation.find(module):
        arguments: dict[str, Scalar] = {"lever": lever.anchor, **lever.arguments}
        statement = module.text(statement_of(lever.node))
        near = hashlib.sha256(" ".join(statement.split()).encode()).hexdigest()[:8]
        levers.append((module.symbol(lever.node), arguments, near, lever))
    alike = Counter(_key(symbol, arguments) for symbol, arguments, _, _ in levers)
    twins = Counter(_key(symbol, arguments, near) for symbol, arguments, near, _ in levers)
    for symbol, arguments, near, lever in levers:
        if alike[_key(symbol, arguments)] > 1 or keep_near:
            if twins[_key(symbol, arguments, near)] > 1:
                continue
            yield {**arguments, "near": near}, lever
        else:
            yield arguments, lever


def _key(symbol: str, arguments: Mapping[str, Scalar], near: str = "") -> str:
    return json.dumps([symbol, sorted(arguments.items()), near])


def _admitted(lever: Lever, module: Module, scope: Scope, reach: Reach) -> bool:
    try:
        draft = lever.draft(module)
        draft.finish()
    except NotApplicable:
        return False
    if scope.refuses(module, lever.node) or reach.is_idle(module, lever.node):
        return False
    homes = {home.path: home for home, _ in draft.touched}
    if any(scope.protects(homes[path], e) for path, edits in draft.edits.items() for e in edits):
        return False
    return not any(
        scope.refuses(home, node) or scope.judges_with(home, node) for home, node in draft.touched
    )


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
