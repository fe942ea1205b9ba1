"""The function behind a name: defined in the file, or in a file of the project that it imports."""

from __future__ import annotations

from fnmatch import fnmatch

from autosota.agents.check import ir
from autosota.agents.check.facts import Facts


def function_of(facts: Facts, func: ir.Expr) -> ir.Function | None:
    """The function that an expression names, or None when it is not known."""
    if isinstance(func, ir.Name):
        here = facts.remember("functions", lambda: functions(facts.body))
        if func.id in here:
            return here[func.id]
    dotted = facts.resolve(func)
    module, _, name = dotted.rpartition(".")
    if not module or facts.project is None:
        return None
    path = facts.project.find(module, facts.path)
    if path is None or path == facts.path:
        return None
    return facts.remember(f"functions of {path}", lambda: _read(facts, path)).get(name)


def functions(body: tuple[ir.Stmt, ...]) -> dict[str, ir.Function]:
    """The functions defined at the top of a body, by name; the last of a name counts."""
    return {s.name: s for s in body if isinstance(s, ir.Function)}


def _read(facts: Facts, path: str) -> dict[str, ir.Function]:
    from autosota.agents.check.document import Document, Unreadable
    from autosota.agents.check.syntax import Syntax

    content = facts.project.read(path) if facts.project is not None else None
    if content is None:
        return {}
    try:
        document = Document.read(path, content)
    except Unreadable:
        return {}
    units = Syntax().update(document)
    return functions(tuple(s for unit in units if not unit.broken for s in unit.body))


def is_declared_evaluator(facts: Facts) -> bool:
    """Whether the objective declares this file as evaluation."""
    return any(fnmatch(facts.path, pattern) for pattern in facts.settings.evaluators)
