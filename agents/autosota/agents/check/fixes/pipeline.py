"""LK108: what is learned outside the folds is learned inside them, in a pipeline."""

from __future__ import annotations

import re

from autosota.agents.check import ir
from autosota.agents.check.fixes.fix import Fix
from autosota.agents.check.fixes.sheet import Sheet, Spot
from autosota.agents.check.index import last
from autosota.agents.domain import Finding

_CROSS = ("cross_val_score", "cross_validate", "cross_val_predict")
_PIPELINE = ("sklearn.pipeline", "make_pipeline")


def learned_outside_folds(sheet: Sheet, finding: Finding) -> Fix | None:
    """`X = scaler.fit_transform(X)` goes into `make_pipeline` of each cross-validation of `X`."""
    spot = sheet.spot(*sheet.span(finding.place))
    stmt = spot.stmt if spot is not None else None
    if spot is None or not isinstance(stmt, ir.Assign) or stmt.op or len(stmt.targets) != 1:
        return None
    target, call = stmt.targets[0], stmt.value
    if not isinstance(target, ir.Name) or not isinstance(call, ir.Call):
        return None
    if not isinstance(call.func, ir.Attribute) or call.func.attr != "fit_transform":
        return None
    if call.keywords or not call.args or not sheet.alone(stmt) or not sheet.knows(*_PIPELINE):
        return None
    table, step = sheet.text(call.args[0]), sheet.text(call.func.value)
    if not isinstance(call.args[0], ir.Name):
        return None
    crossed = _crossed(sheet, spot, target.id)
    words = re.findall(r"[A-Za-z_]\w*", f"{table} {step}")
    if not crossed or any(sheet.binds(spot.after, w) for w in words if w != target.id):
        return None
    if spot.scope is None and sheet.used_by_functions(target.id):
        return None
    changes = [sheet.delete(stmt)]
    for one in crossed:
        changes.append(
            sheet.replace(one.args[0], f"make_pipeline({step}, {sheet.text(one.args[0])})")
        )
        if table != target.id:
            changes.append(sheet.replace(one.args[1], table))
    title = f"Put `{_short(step)}` into a pipeline, so that each fold learns its own"
    return Fix(finding, title, True, tuple(changes), (_PIPELINE,))


def _crossed(sheet: Sheet, spot: Spot, table: str) -> list[ir.Call]:
    """The cross-validations of a table; none when anything else reads it."""
    found: list[ir.Call] = []
    used: set[ir.Expr] = set()
    for stmt in ir.statements(tuple(spot.after)):
        if isinstance(stmt, ir.Broken):
            return []
        for expr in ir.expressions(stmt):
            if (
                isinstance(expr, ir.Call)
                and last(expr.func) in _CROSS
                and len(expr.args) >= 2
                and isinstance(expr.args[1], ir.Name)
                and expr.args[1].id == table
            ):
                found.append(expr)
                used.add(expr.args[1])
    names = [
        e
        for s in ir.statements(tuple(spot.after))
        for e in ir.expressions(s)
        if isinstance(e, ir.Name) and e.id == table
    ]
    return found if all(n in used for n in names) else []


def _short(step: str) -> str:
    return step if len(step) <= 40 else step.partition("(")[0]
