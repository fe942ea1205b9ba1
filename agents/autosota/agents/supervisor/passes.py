"""Wrappers that ask a model several times for one answer (TO603).

A class that was given a model and calls it on several views of the same input costs as many
passes per prediction, wherever it is used. Told by the class alone: how the passes of an
evaluation differ is `judge.py`'s, and what they cost is measured by the runs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from autosota.agents.code.facts import FileFacts
from autosota.agents.code.program import Program
from autosota.agents.domain import Finding, Severity
from autosota.agents.rules import finding

_ANSWERS = {"forward", "__call__", "predict", "predict_proba", "call", "transform", "decode"}
_MANY = 2


def more_passes(base: Program, candidate: Program, paths: Iterable[str]) -> Iterator[Finding]:
    """Findings for classes of the candidate that call a model they hold more often than before."""
    for path in paths:
        if path not in candidate.files:
            continue
        facts = candidate.facts(path)
        before = _passes(base.facts(path)) if path in base.files else {}
        for symbol, (count, node) in _passes(facts).items():
            if count > max(before.get(symbol, (1, node))[0], 1):
                times = "many times" if count >= _LOOPED else f"{count} times"
                message = f"`{symbol}` asks the model it holds {times} for one answer"
                yield finding("TO603", facts.place(node), message, severity=Severity.WARNING)


_LOOPED = 100


def _passes(facts: FileFacts) -> dict[str, tuple[int, ast.AST]]:
    """How often each answering method calls one held model within a single statement."""
    out: dict[str, tuple[int, ast.AST]] = {}
    for name, symbol in facts.symbols.items():
        if not isinstance(symbol.node, ast.ClassDef):
            continue
        methods = {n.name: n for n in symbol.node.body if isinstance(n, ast.FunctionDef)}
        held = _held(methods.get("__init__"))
        for method in methods.keys() & _ANSWERS:
            node = methods[method]
            count = max((_most(s, held) for s in ast.walk(node) if _simple(s)), default=0)
            if count >= _MANY:
                out[f"{name}.{method}"] = count, node
    return out


def _held(init: ast.FunctionDef | None) -> set[str]:
    """Attributes that are set to a parameter of `__init__` as it was given."""
    if init is None:
        return set()
    given = {a.arg for a in [*init.args.args, *init.args.kwonlyargs]}
    return {
        target.attr
        for s in ast.walk(init)
        if isinstance(s, ast.Assign) and isinstance(s.value, ast.Name) and s.value.id in given
        for target in s.targets
        if isinstance(target, ast.Attribute)
    }


def _simple(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Return | ast.Expr)


def _most(statement: ast.AST, held: set[str]) -> int:
    """The most calls of one held attribute, on what no other held attribute made."""
    counts: dict[str, int] = {}
    looped = {
        id(inner)
        for node in ast.walk(statement)
        if isinstance(node, ast.ListComp | ast.GeneratorExp)
        for inner in ast.walk(node.elt)
    }
    for node in ast.walk(statement):
        name = _attribute(node)
        if name not in held or not isinstance(node, ast.Call):
            continue
        if any(_attribute(inner) for a in node.args for inner in ast.walk(a)):
            continue
        counts[name] = counts.get(name, 0) + (_LOOPED if id(node) in looped else 1)
    return max(counts.values(), default=0)


def _attribute(node: ast.AST) -> str:
    """The attribute of `self.name(…)`; empty for anything else."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return ""
    owner = node.func.value
    return node.func.attr if isinstance(owner, ast.Name) and owner.id == "self" else ""
