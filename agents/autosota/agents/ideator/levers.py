"""The levers of a file: told apart, admitted, found again and pulled.

A lever is identified by its transformation, its symbol and its arguments, never by its line,
so an idea is found again in a tree that other ideas changed.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping

from autosota.agents.domain import Hypothesis
from autosota.agents.ideator.catalogue import CATALOGUE
from autosota.agents.ideator.draft import Implementation, NotApplicable
from autosota.agents.ideator.module import Module, Project, statement_of
from autosota.agents.ideator.reach import Reach
from autosota.agents.ideator.scope import Scope
from autosota.agents.ideator.transformation import Lever, Scalar, Transformation
from autosota.agents.protocols import Tree


def levers(
    transformation: Transformation, module: Module, *, keep_near: bool = False
) -> Iterator[tuple[dict[str, Scalar], Lever]]:
    """Levers with the arguments that identify them within their file and symbol.

    Two levers that look alike by structure are told apart by the text of their statement;
    two that look alike even then are not offered, as they could not be found again.
    """
    found = []
    for lever in transformation.find(module):
        arguments: dict[str, Scalar] = {"lever": lever.anchor, **lever.arguments}
        statement = module.text(statement_of(lever.node))
        near = hashlib.sha256(" ".join(statement.split()).encode()).hexdigest()[:8]
        found.append((module.symbol(lever.node), arguments, near, lever))
    alike = Counter(_key(symbol, arguments) for symbol, arguments, _, _ in found)
    twins = Counter(_key(symbol, arguments, near) for symbol, arguments, near, _ in found)
    for symbol, arguments, near, lever in found:
        if alike[_key(symbol, arguments)] > 1 or keep_near:
            if twins[_key(symbol, arguments, near)] > 1:
                continue
            yield {**arguments, "near": near}, lever
        else:
            yield arguments, lever


def _key(symbol: str, arguments: Mapping[str, Scalar], near: str = "") -> str:
    return json.dumps([symbol, sorted(arguments.items()), near])


def admitted(lever: Lever, module: Module, scope: Scope, reach: Reach) -> bool:
    """True when the change can be written, runs in this experiment and judges nothing."""
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


_BY_NAME = {transformation.name: transformation for transformation in CATALOGUE}


def pull(hypothesis: Hypothesis, tree: Tree) -> Implementation:
    """Carry out one idea of the catalogue in a tree, which may already hold other ideas.

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
    for arguments, lever in levers(transformation, module, keep_near=True):
        if "near" not in wanted:
            arguments.pop("near", None)
        if module.symbol(lever.node) == hypothesis.symbol and arguments == wanted:
            matches.append(lever)
    if len(matches) == 1:
        return matches[0].draft(module).finish()
    why = "is there more than once" if matches else "is not there as expected (applied already?)"
    raise NotApplicable(f"{path}: {wanted.get('lever', hypothesis.symbol)!r} {why}")
