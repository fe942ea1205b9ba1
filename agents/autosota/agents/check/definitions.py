"""The function behind a name: defined in the file, or in a file of the project that it imports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatch

from autosota.agents.check import ir
from autosota.agents.check.facts import Facts

_DEFINES = re.compile(rb"def")


def function_of(facts: Facts, func: ir.Expr) -> ir.Function | None:
    """The function that an expression names, or None when it is not known."""
    if isinstance(func, ir.Name):
        here = facts.remember("functions", lambda: _own(facts)).get(func.id)
        if here is not None:
            return here
    dotted = facts.resolve(func)
    module, _, name = dotted.rpartition(".")
    if not module or facts.project is None:
        return None
    path = facts.project.find(module, facts.path)
    if path is None or path == facts.path:
        return None
    units = facts.remember(f"units of {path}", lambda: _read(facts, path))
    return _named([unit for unit in units if not unit.broken], name)


def _own(facts: Facts) -> dict[str, ir.Function]:
    """The functions that are defined at the top of this file; the last of a name counts."""
    found = facts.index.statements(ir.Function, _DEFINES)
    return {function.name: function for function, context in found if not context.around}


def _named(units: Sequence[ir.Unit], name: str) -> ir.Function | None:
    """The last function of this name that is defined at the top."""
    word = name.encode()
    for unit in reversed(units):
        if word in unit.text and unit.text.startswith((b"def", b"async", b"@")):
            for stmt in unit.body:
                if isinstance(stmt, ir.Function) and stmt.name == name:
                    return stmt
    return None


def _read(facts: Facts, path: str) -> Sequence[ir.Unit]:
    from autosota.agents.check.document import Document, Unreadable
    from autosota.agents.check.syntax import Syntax

    content = facts.project.read(path) if facts.project is not None else None
    if content is None:
        return ()
    try:
        document = Document.read(path, content)
    except Unreadable:
        return ()
    return Syntax().update(document)


def is_declared_evaluator(facts: Facts) -> bool:
    """Whether the objective declares this file as evaluation."""
    return any(fnmatch(facts.path, pattern) for pattern in facts.settings.evaluators)
