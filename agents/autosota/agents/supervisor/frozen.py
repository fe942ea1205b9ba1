"""Protected constants of the objective (R7): names whose value may not move.

Looks at every place a name gets a value: an assignment, a default, a keyword, an option, a key
of a settings file. The same name with another value, anywhere new, breaks the line.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from autosota.agents.code.facts import FileFacts, Statement
from autosota.agents.code.program import Program
from autosota.agents.domain import Finding, Objective, Place, Severity
from autosota.agents.rules import finding

_CONFIGS = (".yaml", ".yml", ".toml", ".json", ".ini", ".cfg", ".env")


def protected_constants(
    base: Program, candidate: Program, objective: Objective, added: Iterable[Statement]
) -> Iterator[Finding]:
    """Findings for frozen names in Python code."""
    frozen = objective.protocol.frozen
    if not frozen:
        return
    wanted = {_plain(n): v for n, v in frozen.items()}
    for statement in added:
        for name, value, node in _settings(statement):
            key = _plain(name)
            if key not in wanted:
                continue
            place = statement.facts.place(node) if hasattr(node, "lineno") else statement.place
            if not isinstance(value, ast.Constant):
                message = f"protected `{name}` is computed"
                yield finding("PS701", place, message)
            elif value.value != wanted[key]:
                message = f"protected `{name}` is {value.value!r}, not {wanted[key]!r}"
                yield finding("PS701", place, message)
    before, after = _defined(base, wanted), _defined(candidate, wanted)
    for name in sorted(before.keys() - after.keys()):
        message = f"protected `{name}` is gone"
        yield finding("PS701", before[name], message, severity=Severity.WARNING)


def _plain(name: str) -> str:
    return name.rpartition(".")[2].replace("-", "_").lower()


def _settings(statement: Statement) -> Iterator[tuple[str, ast.expr, ast.AST]]:
    node = statement.node
    targets: list[ast.expr] = []
    value: ast.expr | None = None
    if isinstance(node, ast.Assign):
        targets, value = node.targets, node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        targets, value = [node.target], node.value
    elif isinstance(node, ast.AugAssign):
        targets, value = [node.target], ast.Name("computed")
    for target in targets:
        name = _target(target)
        if name and value is not None and not _same_name(value, name):
            yield name, value, node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from _defaults(node)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    for part in ast.walk(node):
        if isinstance(part, ast.Call):
            yield from _keywords(part, statement.facts)
        elif isinstance(part, ast.Dict):
            for key, inner in zip(part.keys, part.values, strict=True):
                named = isinstance(key, ast.Constant) and isinstance(key.value, str)
                if named and isinstance(key, ast.Constant) and isinstance(inner, ast.Constant):
                    yield str(key.value), inner, key


def _same_name(value: ast.expr, name: str) -> bool:
    """`seq_len = args.seq_len`: a value of the same name passed on."""
    return _target(value).lower() == name.lower()


def _target(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return node.slice.value if isinstance(node.slice.value, str) else ""
    return ""


def _defaults(
    node: ast.FunctionDef | ast.AsyncFunctionDef,
) -> Iterator[tuple[str, ast.expr, ast.AST]]:
    names = [*node.args.posonlyargs, *node.args.args]
    ends = names[len(names) - len(node.args.defaults) :]
    for argument, default in zip(ends, node.args.defaults, strict=False):
        if isinstance(default, ast.Constant) and default.value is not None:
            yield argument.arg, default, default
    for argument, extra in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        if isinstance(extra, ast.Constant) and extra.value is not None:
            yield argument.arg, extra, extra


def _keywords(node: ast.Call, facts: FileFacts) -> Iterator[tuple[str, ast.expr, ast.AST]]:
    option = ""
    if isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
        flags = [a.value for a in node.args if isinstance(a, ast.Constant)]
        option = next((f for f in flags if isinstance(f, str) and f.startswith("--")), "").lstrip(
            "-"
        )
    for keyword in node.keywords:
        if keyword.arg == "default" and option:
            yield option, keyword.value, node
        elif keyword.arg is not None and isinstance(keyword.value, ast.Constant):
            yield keyword.arg, keyword.value, node


def _defined(program: Program, wanted: dict[str, str | int | float | bool]) -> dict[str, Place]:
    out: dict[str, Place] = {}
    for path in program.python:
        facts = program.facts(path)
        for name, node in facts.constants.items():
            if _plain(name) in wanted:
                out.setdefault(_plain(name), facts.place(node))
    return out
