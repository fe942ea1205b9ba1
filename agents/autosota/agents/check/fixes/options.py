"""NB802, LK116, LK118: an argument that is missing."""

from __future__ import annotations

import re

from autosota.agents.check import ir
from autosota.agents.check.fixes.fix import Fix
from autosota.agents.check.fixes.sheet import Sheet
from autosota.agents.check.index import last
from autosota.agents.code.source import Edit
from autosota.agents.domain import Finding

_LABEL = re.compile(r"^the label `([^`]+)` is still a column of")


def _call(sheet: Sheet, finding: Finding) -> ir.Call | None:
    start, end = sheet.span(finding.place)
    spot = sheet.spot(start, end)
    call = sheet.expression(spot.stmt, start, end) if spot is not None else None
    return call if isinstance(call, ir.Call) else None


def unseeded(sheet: Sheet, finding: Finding) -> Fix | None:
    """A random split gets a seed."""
    call = _call(sheet, finding)
    if call is None or any(key is None for key, _ in call.keywords):
        return None
    if last(call.func) == "random_split":
        return _generator(sheet, finding, call)
    given = call.keyword("random_state")
    edit = sheet.argument(call, "random_state=0") if given is None else sheet.replace(given, "0")
    return Fix(finding, "Pass `random_state=0`", True, (edit,))


def _generator(sheet: Sheet, finding: Finding, call: ir.Call) -> Fix | None:
    title = "Pass a seeded generator"
    if call.keyword("generator") is not None:
        return None
    if ("torch", "torch") in sheet.imports():
        edit = sheet.argument(call, "generator=torch.Generator().manual_seed(0)")
        return Fix(finding, title, True, (edit,))
    if not sheet.knows("torch", "Generator"):
        return None
    edit = sheet.argument(call, "generator=Generator().manual_seed(0)")
    return Fix(finding, title, True, (edit,), (("torch", "Generator"),))


def shuffled_in_time(sheet: Sheet, finding: Finding) -> Fix | None:
    """A split of a time series keeps the order of its rows."""
    call = _call(sheet, finding)
    if call is None or any(key is None for key, _ in call.keywords):
        return None
    if last(call.func) != "train_test_split" or call.keyword("stratify") is not None:
        return None
    given = call.keyword("shuffle")
    edit = sheet.argument(call, "shuffle=False") if given is None else sheet.replace(given, "False")
    return Fix(finding, "Split in the order of the rows, without shuffling", False, (edit,))


def label_inside(sheet: Sheet, finding: Finding) -> Fix | None:
    """The label's column is dropped from the features."""
    said = _LABEL.match(finding.message)
    start, end = sheet.span(finding.place)
    spot = sheet.spot(start, end)
    if said is None or spot is None or not isinstance(spot.stmt, ir.Assign):
        return None
    stmt, label = spot.stmt, said.group(1)
    value, target = stmt.value, stmt.targets[0]
    if value is None or (sheet.start(value), sheet.end(value)) != (start, end) or stmt.op:
        return None
    if len(stmt.targets) != 1 or not isinstance(target, ir.Name) or not _is_table(value):
        return None
    if _reads_column(sheet, tuple(spot.after), target.id, label):
        return None
    where = sheet.end(value)
    added = Edit(where, where, f".drop(columns=[{_quoted(sheet, label)}])".encode())
    return Fix(finding, f"Drop the label `{label}` from the features", False, (added,))


def _is_table(value: ir.Expr) -> bool:
    """Whether text may be put behind it: a name, an item, a call of a method."""
    return isinstance(value, ir.Name | ir.Subscript | ir.Call | ir.Attribute)


def _reads_column(sheet: Sheet, stmts: tuple[ir.Stmt, ...], table: str, label: str) -> bool:
    for stmt in ir.statements(stmts):
        for expr in ir.expressions(stmt):
            owner = getattr(expr, "value", None)
            if not isinstance(owner, ir.Name) or owner.id != table:
                continue
            if isinstance(expr, ir.Attribute) and expr.attr in (label, "pop"):
                return True
            if isinstance(expr, ir.Subscript) and label in sheet.text(expr):
                return True
    return False


def _quoted(sheet: Sheet, label: str) -> str:
    quote = '"' if sheet.content.count(b'"') >= sheet.content.count(b"'") else "'"
    return f"{quote}{label}{quote}" if quote not in label else repr(label)
