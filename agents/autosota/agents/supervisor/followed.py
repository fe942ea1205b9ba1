"""Code of which nothing was lost when it was followed: its formulas say all that it does.

A changed function of the evaluation computes the same when every reported formula is the same
and each statement that came or went is of a kind that a formula holds: assignments, loops,
branches, returns, and calls of the repository's own functions and of arithmetic. What acts on
something else (files, globals, attributes, exceptions, the clock) is not, nor is what leaves a
loop early or changes the thing it is called on.
"""

from __future__ import annotations

import ast

from autosota.agents.code.facts import FileFacts, Statement
from autosota.agents.code.facts import head as head_of
from autosota.agents.code.libraries import MUTATORS

_LIBRARIES = {
    "numpy", "torch", "math", "statistics", "json", "itertools", "functools", "collections", "re",
    "typing", "pandas", "sklearn", "scipy", "jax", "logging", "operator", "pathlib", "csv", "cmath",
}  # fmt: skip
_BUILTINS = {
    "len", "sum", "min", "max", "abs", "zip", "enumerate", "range", "sorted", "reversed", "map",
    "filter", "list", "tuple", "dict", "set", "int", "float", "str", "bool", "round", "print",
    "isinstance", "any", "all", "ValueError", "open", "format", "divmod", "pow", "slice",
}  # fmt: skip
_KINDS = (
    ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.If, ast.For, ast.Expr,
    ast.FunctionDef, ast.Raise, ast.With, ast.Pass, ast.Import, ast.ImportFrom,
)  # fmt: skip
_ACTS = (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr, ast.Starred)
_REACHES = {"setattr", "register", "seed", "manual_seed", "patch", "exec", "eval", "exit", "system"}


def followed(statement: Statement, own: set[str]) -> bool:
    """True for a statement whose whole effect is in the formulas it takes part in.

    Args:
        statement: one that a change adds or takes out.
        own: last names of the functions that the repository defines.
    """
    node = statement.node
    if not isinstance(node, _KINDS):
        return False
    if isinstance(node, ast.FunctionDef) and node.decorator_list:
        return False
    targets = list(getattr(node, "targets", None) or [getattr(node, "target", None)])
    if any(isinstance(t, ast.Attribute | ast.Subscript) for t in targets):
        return False
    parts = [n for part in head_of(node) for n in ast.walk(part)]
    return not any(isinstance(n, _ACTS) for n in parts) and all(
        _known(n, statement.facts, own) for n in parts if isinstance(n, ast.Call)
    )


def _known(call: ast.Call, facts: FileFacts, own: set[str]) -> bool:
    name = facts.dotted(call.func)
    last = call.func.attr if isinstance(call.func, ast.Attribute) else name
    if (
        last in _REACHES
        or last in MUTATORS - {"append", "extend"}
        or any(k.arg is None for k in call.keywords)
    ):
        return False
    root = name.partition(".")[0]
    if "." not in name and name:
        return name in _BUILTINS or name in own or root in facts.bound
    imported = isinstance(call.func, ast.Attribute) and name and root != _first(call.func)
    if imported or root in _LIBRARIES or (root in facts.bound):
        return facts.bound.get(_first(call.func), root).partition(".")[0] in _LIBRARIES | own or (
            root in _LIBRARIES
        )
    return not last.startswith("_")


def _first(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
