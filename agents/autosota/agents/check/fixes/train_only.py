"""LK101 to LK104, LK106, LK109: what was learned of all rows is learned of the training rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from autosota.agents.check import ir
from autosota.agents.check.fixes.fix import Fix
from autosota.agents.check.fixes.sheet import Sheet, Spot
from autosota.agents.check.fixes.splits import Split, split_among, split_in
from autosota.agents.domain import Finding

_LEARNING = ("fit_transform", "fit_resample", "fit_sample")


@dataclass(frozen=True, slots=True)
class _Learned:
    """`target = owner.method(table, labels)`, perhaps with the fit in a statement before.

    `gone` are the statements that say so.
    """

    target: str
    owner: str
    method: str
    table: str
    labels: str
    gone: tuple[ir.Stmt, ...]
    first: ir.Call


def learned_before_split(sheet: Sheet, finding: Finding) -> Fix | None:
    """A transform that saw all rows learns from the training rows, and is applied to both."""
    spot = sheet.spot(*sheet.span(finding.place))
    if spot is None:
        return None
    said = _at_once(sheet, spot) or _apart(sheet, spot)
    if said is None:
        return None
    after = _following(spot, said.gone[-1])
    split = split_among(sheet, after, said.target)
    if split is None or not _movable(sheet, said, split, after):
        return None
    if spot.scope is None and sheet.used_by_functions(said.target):
        return None
    train, test = split.parts[said.target]
    labels = ""
    if said.labels:
        if said.labels not in split.parts:
            return None
        labels = f", {split.parts[said.labels][0]}"
    owner, lines = said.owner, []
    if not re.fullmatch(r"[\w.]+", owner):
        name = sheet.fresh(_variable(said.first))
        lines.append(f"{name} = {owner}")
        owner = name
    if said.method in ("fit_resample", "fit_sample"):
        if not labels:
            return None
        lines = [f"{train}{labels} = {said.owner}.{said.method}({train}{labels})"]
        title = "Resample the training rows only, after the split"
    else:
        lines.append(f"{train} = {owner}.fit_transform({train}{labels})")
        lines.append(f"{test} = {owner}.transform({test})")
        title = "Learn from the training rows only, after the split"
    lines[0] += sheet.comment(said.gone[0])
    changes = [sheet.delete(stmt) for stmt in said.gone] + [sheet.after(split.stmt, lines)]
    if said.table != said.target:
        changes.append(sheet.replace(split.position(sheet, said.target), said.table))
    return Fix(finding, title, True, tuple(changes))


def _at_once(sheet: Sheet, spot: Spot) -> _Learned | None:
    """`X = scaler.fit_transform(X)`, `X, y = SMOTE().fit_resample(X, y)`."""
    stmt = spot.stmt
    if not isinstance(stmt, ir.Assign) or stmt.op or len(stmt.targets) != 1:
        return None
    call, target = stmt.value, stmt.targets[0]
    if not isinstance(call, ir.Call) or not isinstance(call.func, ir.Attribute) or call.keywords:
        return None
    if call.func.attr not in _LEARNING or not 1 <= len(call.args) <= 2:
        return None
    args = [sheet.text(a) for a in call.args]
    names = [target] if isinstance(target, ir.Name) else []
    if isinstance(target, ir.Sequence) and "sample" in call.func.attr:
        names = [e for e in target.elts if isinstance(e, ir.Name)]
        if [n.id for n in names] != args:
            return None
    if not names or not _plain(call.args[0]) or not sheet.alone(stmt):
        return None
    return _Learned(
        names[0].id,
        sheet.text(call.func.value),
        call.func.attr,
        args[0],
        args[1] if len(args) > 1 else "",
        (stmt,),
        call,
    )


def _apart(sheet: Sheet, spot: Spot) -> _Learned | None:
    """`scaler.fit(X)` and, in the next statement, `X = scaler.transform(X)`."""
    fit = spot.stmt
    if not isinstance(fit, ir.Evaluate) or not spot.after or not isinstance(fit.value, ir.Call):
        return None
    call, then = fit.value, spot.after[0]
    if not isinstance(call.func, ir.Attribute) or call.func.attr != "fit" or call.keywords:
        return None
    if not 1 <= len(call.args) <= 2 or not isinstance(call.func.value, ir.Name):
        return None
    owner, table = call.func.value.id, sheet.text(call.args[0])
    if not isinstance(then, ir.Assign) or len(then.targets) != 1 or then.op:
        return None
    target, value = then.targets[0], then.value
    if not isinstance(target, ir.Name) or value is None or not _plain(call.args[0]):
        return None
    if re.sub(r"\s", "", sheet.text(value)) != re.sub(r"\s", "", f"{owner}.transform({table})"):
        return None
    if not sheet.alone(fit) or not sheet.alone(then):
        return None
    labels = sheet.text(call.args[1]) if len(call.args) > 1 else ""
    return _Learned(target.id, owner, "fit_transform", table, labels, (fit, then), call)


def _movable(sheet: Sheet, said: _Learned, split: Split, after: Sequence[ir.Stmt]) -> bool:
    """Whether nothing between here and the split, or behind it, needs the transformed table."""
    at = list(after).index(split.stmt)
    between, behind = after[:at], after[at + 1 :]
    words = set(re.findall(r"[A-Za-z_]\w*", f"{said.owner} {said.table} {said.labels}"))
    fixed = words | {said.target}
    if any(sheet.binds(between, name) for name in fixed):
        return False
    if any(sheet.reads(between, name) for name in {said.target, said.owner} if name.isidentifier()):
        return False
    if "inplace" in "".join(sheet.text(s) for s in between):
        return False
    tables = [a for a in split.call.args if sheet.text(a) == said.target]
    others = [*split.call.args, *(v for _, v in split.call.keywords)]
    elsewhere = [o for o in others if o not in tables]
    if any(_mentions(o, said.target) for o in elsewhere):
        return False
    return not _read_before_bound(sheet, behind, said.target)


def _read_before_bound(sheet: Sheet, stmts: Sequence[ir.Stmt], name: str) -> bool:
    for stmt in stmts:
        if sheet.reads([stmt], name):
            return True
        if isinstance(stmt, ir.Assign) and sheet.binds([stmt], name):
            return False
    return False


def _following(spot: Spot, stmt: ir.Stmt) -> Sequence[ir.Stmt]:
    return spot.block[list(spot.block).index(stmt) + 1 :]


def _plain(expr: ir.Expr) -> bool:
    """Whether evaluating it a few statements later gives the same: no calls, or a mere view."""
    views = ("drop", "copy", "to_numpy", "reset_index")
    return all(
        isinstance(e, ir.Name | ir.Attribute | ir.Subscript | ir.Const | ir.Sequence | ir.Slice)
        or (isinstance(e, ir.Call) and isinstance(e.func, ir.Attribute) and e.func.attr in views)
        for e in (expr, *ir.expressions(expr))
    )


def _mentions(expr: ir.Expr, name: str) -> bool:
    return any(isinstance(e, ir.Name) and e.id == name for e in (expr, *ir.expressions(expr)))


def _variable(call: ir.Call) -> str:
    """A name for what learns: `StandardScaler()` is a `scaler`."""
    made = call.func.value if isinstance(call.func, ir.Attribute) else call
    func = made.func if isinstance(made, ir.Call) else made
    word = func.attr if isinstance(func, ir.Attribute) else getattr(func, "id", "transform")
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", word)
    return parts[-1].lower() if parts else "transform"


# ---------------------------------------------------------------------------------- LK104


def filled_before_split(sheet: Sheet, finding: Finding) -> Fix | None:
    """`df[c] = df[c].fillna(df[c].mean())` fills both parts by the training rows' figure."""
    spot = sheet.spot(*sheet.span(finding.place))
    stmt = spot.stmt if spot is not None else None
    if spot is None or not isinstance(stmt, ir.Assign) or stmt.op or len(stmt.targets) != 1:
        return None
    target, call = stmt.targets[0], stmt.value
    if not isinstance(call, ir.Call) or not isinstance(call.func, ir.Attribute):
        return None
    if call.func.attr != "fillna" or len(call.args) != 1 or call.keywords:
        return None
    if not isinstance(target, ir.Subscript) or not isinstance(target.value, ir.Name):
        return None
    table, figure = target.value.id, call.args[0]
    if sheet.text(call.func.value) != sheet.text(target) or not _mentions(figure, table):
        return None
    split = split_among(sheet, spot.after, table)
    if split is None or not sheet.alone(stmt):
        return None
    at = list(spot.after).index(split.stmt)
    words = set(re.findall(r"[A-Za-z_]\w*", sheet.text(stmt)))
    if any(sheet.binds(spot.after[:at], w) for w in words) or sheet.reads(spot.after[:at], table):
        return None
    if sheet.reads(spot.after[at + 1 :], table):
        return None
    if spot.scope is None and sheet.used_by_functions(table):
        return None
    train, test = split.parts[table]
    lines = [
        f"{_renamed(sheet, target, table, test)} = {_renamed(sheet, target, table, test)}"
        f".fillna({_renamed(sheet, figure, table, train)})",
        _renamed(sheet, stmt, table, train),
    ]
    lines[0] += sheet.comment(stmt)
    changes = (sheet.delete(stmt), sheet.after(split.stmt, lines))
    return Fix(finding, "Fill both parts by the training rows' figure", True, changes)


def _renamed(sheet: Sheet, node: ir.Node, old: str, new: str) -> str:
    """The text of a node with a variable renamed."""
    start = sheet.start(node)
    content = sheet.content[start : sheet.end(node)]
    every = [node, *ir.expressions(node)] if isinstance(node, ir.Expr) else ir.expressions(node)
    names = {sheet.start(e) - start for e in every if isinstance(e, ir.Name) and e.id == old}
    for at in sorted(names, reverse=True):
        content = content[:at] + new.encode() + content[at + len(old.encode()) :]
    return content.decode("utf-8", "replace")


# ---------------------------------------------------------------------------------- LK109


def fitted_on_all(sheet: Sheet, finding: Finding) -> Fix | None:
    """`model.fit(X, y)` beside a split of `X` and `y` fits on the training variables."""
    start, end = sheet.span(finding.place)
    spot = sheet.spot(start, end)
    if spot is None:
        return None
    call = sheet.expression(spot.stmt, start, end)
    if not isinstance(call, ir.Call) or not isinstance(call.func, ir.Attribute):
        return None
    tables = [sheet.text(a) for a in call.args[:2]]
    if not tables or len(set(tables)) != len(tables):
        return None
    earlier = [s for stmt in spot.before if (s := split_in(sheet, stmt)) is not None]
    known = [s for s in earlier if all(t in s.parts for t in tables)]
    title = "Fit on the training rows only"
    if known:
        split = known[-1]
        between = spot.before[list(spot.before).index(split.stmt) + 1 :]
        if any(sheet.binds(between, t) for t in (*tables, *(split.parts[t][0] for t in tables))):
            return None
        changes = [sheet.replace(a, split.parts[sheet.text(a)][0]) for a in call.args[:2]]
        return Fix(finding, title, False, tuple(changes))
    later = split_among(sheet, spot.after, tables[0])
    owner = call.func.value
    if later is None or any(t not in later.parts for t in tables) or not sheet.alone(spot.stmt):
        return None
    between = spot.after[: list(spot.after).index(later.stmt)]
    if not isinstance(spot.stmt, ir.Evaluate) or not isinstance(owner, ir.Name):
        return None
    names = (owner.id, *tables)
    if sheet.reads(between, owner.id) or any(sheet.binds(between, n) for n in names):
        return None
    text = sheet.text(spot.stmt)
    base = sheet.start(spot.stmt)
    for argument in reversed(call.args[:2]):
        a, b = sheet.start(argument) - base, sheet.end(argument) - base
        raw = text.encode()
        name = later.parts[sheet.text(argument)][0].encode()
        text = (raw[:a] + name + raw[b:]).decode()
    moved = sheet.after(later.stmt, [text + sheet.comment(spot.stmt)])
    return Fix(finding, f"{title}, after the split", False, (sheet.delete(spot.stmt), moved))
