"""Ideas that would raise the number without improving the method, shown and never run.

They are in the library so that a reader sees that they were considered, and which red line
keeps them out. Nothing here can be implemented.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from autosota.agents.domain import Granularity, Hypothesis, Level
from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.for_torch.training import find_steps, is_evaluating
from autosota.agents.ideator.module import Module, Project, function_of
from autosota.agents.ideator.scope import Scope

_CUTOFFS = ("k", "top_k", "topk", "beta", "average", "threshold", "ks")


@dataclass(frozen=True, slots=True)
class _Temptation:
    name: str
    title: str
    reason: str
    paper: str
    refusal: str


_AUGMENT = _Temptation(
    "test-time-augmentation",
    "Average predictions over shifted copies of each test input",
    "cheap to write, and it usually raises the score",
    "Krizhevsky, Sutskever & Hinton 2012, ImageNet Classification, section 4.1",
    "R2: it changes how evaluation is done, and spends more inference than the baseline",
)
_ENSEMBLE = _Temptation(
    "inference-ensemble",
    "Evaluate the average of several trained models",
    "models of different seeds make different errors",
    "Lakshminarayanan et al. 2017, Deep Ensembles, arXiv 1612.01474",
    "R4: several models against one is a trade of compute for score, best-of-N in disguise",
)
_METRIC = _Temptation(
    "metric-parameter",
    "Change a parameter of the metric",
    "a wider cut-off always counts more answers as right",
    "none: it measures something else",
    "R1: metric parameters are fixed (k, averaging, thresholds)",
)


def forbidden(project: Project, scope: Scope) -> Iterator[Hypothesis]:
    """The temptations that this repository offers, in a fixed order."""
    seen: set[str] = set()
    for module in scope.reached():
        for temptation, node in _found(module, scope):
            idea = _hypothesis(temptation, module, node)
            if idea.id not in seen:
                seen.add(idea.id)
                yield idea


def _found(module: Module, scope: Scope) -> Iterator[tuple[_Temptation, Node]]:
    if module.bindings.uses("torch"):
        for function in module.functions.values():
            if is_evaluating(module, function):
                yield _AUGMENT, function
    for step in find_steps(module):
        yield _ENSEMBLE, function_of(step.update) or step.loop
    for call in module.calls:
        if _is_metric(call) and scope.refuses(module, call.node):
            for name in _CUTOFFS:
                if name in call.keywords:
                    yield _METRIC, call.keywords[name]


def _is_metric(call: Call) -> bool:
    return call.dotted.startswith(("sklearn.metrics.", "torchmetrics.", "torch.topk"))


def _hypothesis(temptation: _Temptation, module: Module, node: Node) -> Hypothesis:
    symbol = module.symbol(node)
    identity = f"{temptation.name}\n{module.path}\n{symbol}"
    digest = hashlib.sha256(identity.encode()).hexdigest()[:6]
    stem = module.path.rpartition("/")[2].removesuffix(".py")
    return Hypothesis(
        id=f"{temptation.name}-{stem}.{symbol or 'module'}-{digest}".lower(),
        title=temptation.title,
        granularity=Granularity.CODE,
        transformation=temptation.name,
        place=module.source.place(node),
        symbol=symbol,
        reason=temptation.reason,
        paper=temptation.paper,
        priority=Level.LOW,
        risk=Level.HIGH,
        admissible=False,
        admissible_reason=temptation.refusal,
    )
