"""LK107: test rows are transformed by what was learned of the training rows."""

from __future__ import annotations

from collections.abc import Sequence

from autosota.agents.check import ir
from autosota.agents.check.fixes.fix import Fix
from autosota.agents.check.fixes.sheet import Sheet
from autosota.agents.check.index import last
from autosota.agents.code.source import Edit
from autosota.agents.domain import Finding


def fitted_again(sheet: Sheet, finding: Finding) -> Fix | None:
    """`scaler.fit_transform(X_test)` becomes `scaler.transform(X_test)`."""
    start, end = sheet.span(finding.place)
    spot = sheet.spot(start, end)
    call = sheet.expression(spot.stmt, start, end) if spot is not None else None
    if spot is None or not isinstance(call, ir.Call) or not isinstance(call.func, ir.Attribute):
        return None
    owner = call.func.value
    if call.func.attr != "fit_transform" or not isinstance(owner, ir.Name) or call.keywords:
        return None
    own = _fits(spot.before, owner.id)
    keeper = owner.id
    if not own:
        made = _made(sheet, spot.before, owner.id)
        others = [
            name
            for name in _names(spot.before)
            if name != owner.id
            and made
            and _made(sheet, spot.before, name) == made
            and _fits(spot.before, name)
        ]
        if len(others) != 1:
            return None
        keeper = others[0]
    changes = [sheet.replace(call.func, f"{keeper}.transform")]
    changes += [  # labels are for learning
        _without(sheet, call, extra) for extra in call.args[1:2]
    ]
    title = f"Transform by what `{keeper}` learned from the training rows"
    return Fix(finding, title, True, tuple(changes))


def _without(sheet: Sheet, call: ir.Call, argument: ir.Expr) -> Edit:
    before = call.args[call.args.index(argument) - 1]
    return Edit(sheet.end(before), sheet.end(argument), b"")


def _fits(stmts: Sequence[ir.Stmt], owner: str) -> bool:
    """Whether something of this name was fitted in these statements."""
    for stmt in ir.statements(tuple(stmts)):
        for expr in ir.expressions(stmt):
            if (
                isinstance(expr, ir.Call)
                and isinstance(expr.func, ir.Attribute)
                and expr.func.attr in ("fit", "fit_transform")
                and isinstance(expr.func.value, ir.Name)
                and expr.func.value.id == owner
            ):
                return True
    return False


def _made(sheet: Sheet, stmts: Sequence[ir.Stmt], name: str) -> str:
    """The text of the call that made what a name holds, or ''."""
    for stmt in reversed(tuple(stmts)):
        if isinstance(stmt, ir.Assign) and isinstance(stmt.value, ir.Call):
            for target in stmt.targets:
                if isinstance(target, ir.Name) and target.id == name and last(stmt.value.func):
                    return sheet.text(stmt.value)
    return ""


def _names(stmts: Sequence[ir.Stmt]) -> list[str]:
    names = [
        t.id
        for s in tuple(stmts)
        if isinstance(s, ir.Assign)
        for t in s.targets
        if isinstance(t, ir.Name)
    ]
    return list(dict.fromkeys(names))
