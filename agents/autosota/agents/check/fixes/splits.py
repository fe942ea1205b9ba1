"""The statement that parts rows: `a, b, c, d = train_test_split(X, y, …)`, as fixes need it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from autosota.agents.check import ir
from autosota.agents.check.fixes.sheet import Sheet
from autosota.agents.check.index import last

SPLIT = "train_test_split"
MODULE = "sklearn.model_selection"


@dataclass(frozen=True, slots=True)
class Split:
    """One split. `parts` gives the training and the test variable of each table, by its text."""

    stmt: ir.Assign
    call: ir.Call
    parts: dict[str, tuple[str, str]]

    def position(self, sheet: Sheet, text: str) -> ir.Expr:
        """The argument with this text."""
        return next(a for a in self.call.args if sheet.text(a) == text)


def split_in(sheet: Sheet, stmt: ir.Stmt) -> Split | None:
    """The split that a statement is, when all its tables and targets are plain."""
    if not isinstance(stmt, ir.Assign) or stmt.op or len(stmt.targets) != 1:
        return None
    target, call = stmt.targets[0], stmt.value
    if not isinstance(target, ir.Sequence) or not isinstance(call, ir.Call):
        return None
    if last(call.func) != SPLIT or len(target.elts) != 2 * len(call.args) or not call.args:
        return None
    names = [e.id for e in target.elts if isinstance(e, ir.Name)]
    tables = [sheet.text(a) for a in call.args]
    if len(names) != len(target.elts) or len(set(tables)) != len(tables):
        return None
    parts = {t: (names[2 * i], names[2 * i + 1]) for i, t in enumerate(tables)}
    return Split(stmt, call, parts)


def split_among(sheet: Sheet, stmts: Iterable[ir.Stmt], table: str) -> Split | None:
    """The first split of a table among statements; None when something else parts it before."""
    for stmt in stmts:
        found = split_in(sheet, stmt)
        if found is not None and table in found.parts:
            return found
    return None
