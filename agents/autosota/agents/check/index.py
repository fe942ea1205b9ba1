"""One walk over a file's tree: its calls, its assignments and where names are used.

Built once per check and shared by the rules that need no flow. Scopes are not told apart here:
a name is a name of the file, which is what those rules want (they look for the absence of
another definition).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from autosota.agents.check import ir
from autosota.agents.check.facts import Context, Facts


@dataclass(frozen=True, slots=True)
class Bound:
    """A name (or an attribute's or item's text) that is given a value."""

    target: ir.Expr
    value: ir.Expr | None
    stmt: ir.Stmt
    context: Context
    op: str = ""


@dataclass(frozen=True, slots=True)
class Called:
    """A call, its dotted name through the imports (`''` when not imported) and its statement."""

    node: ir.Call
    name: str
    method: str
    stmt: ir.Stmt
    context: Context


@dataclass(slots=True)
class Index:
    """What one walk found, in order of the text."""

    calls: list[Called] = field(default_factory=list)
    bound: list[Bound] = field(default_factory=list)
    by_name: dict[str, list[Bound]] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    """Names whose items are set, that are added to, or appended to."""


def index(facts: Facts) -> Index:
    """The index of a file, made on first use."""
    return facts.remember("index", lambda: _build(facts))


def root(expr: ir.Expr) -> str:
    """The name at the bottom of `a.b[c].d()`, or ''."""
    while True:
        if isinstance(expr, ir.Name):
            return expr.id
        if isinstance(expr, ir.Attribute | ir.Subscript | ir.Starred):
            expr = expr.value
        elif isinstance(expr, ir.Call):
            expr = expr.func
        else:
            return ""


def dotted(expr: ir.Expr) -> str:
    """`a.b.c` as text, or '' when it is something else."""
    tail: list[str] = []
    while isinstance(expr, ir.Attribute):
        tail.append(expr.attr)
        expr = expr.value
    return ".".join([expr.id, *reversed(tail)]) if isinstance(expr, ir.Name) else ""


def last(expr: ir.Expr) -> str:
    """The last word of a target: the name, the attribute, the key of a constant item."""
    if isinstance(expr, ir.Name):
        return expr.id
    if isinstance(expr, ir.Attribute):
        return expr.attr
    if isinstance(expr, ir.Subscript):
        key = expr.index
        return str(key.value) if isinstance(key, ir.Const) and isinstance(key.value, str) else ""
    return ""


def inside(expr: ir.Expr | None) -> Iterator[ir.Expr]:
    """An expression and everything below it."""
    if expr is not None:
        yield expr
        yield from ir.expressions(expr)


def names_in(expr: ir.Expr | None) -> Iterator[str]:
    """Every variable, attribute and constant text inside an expression."""
    for e in inside(expr):
        if isinstance(e, ir.Name):
            yield e.id
        elif isinstance(e, ir.Attribute):
            yield e.attr
        elif isinstance(e, ir.Const) and isinstance(e.value, str):
            yield e.value


def variables_in(expr: ir.Expr | None) -> set[str]:
    """Every variable that is read inside an expression."""
    return {e.id for e in inside(expr) if isinstance(e, ir.Name)}


def string(expr: ir.Expr | None) -> str:
    """A constant text, the literal part of an f-string, or ''."""
    if isinstance(expr, ir.Const) and isinstance(expr.value, str):
        return expr.value
    return expr.text if isinstance(expr, ir.Formatted) else ""


def number(expr: ir.Expr | None) -> float | None:
    """A constant number (with its sign), or None; True and False are none."""
    if isinstance(expr, ir.Unary) and expr.op in ("-", "+"):
        inner = number(expr.operand)
        return None if inner is None else -inner if expr.op == "-" else inner
    if isinstance(expr, ir.Const) and type(expr.value) in (int, float):
        return float(expr.value)  # type: ignore[arg-type]
    return None


_GROWS = {"append", "extend", "insert", "update", "add", "fill", "setdefault", "copy_"}


def _build(facts: Facts) -> Index:
    out = Index()
    for stmt, context in facts.walk():
        if isinstance(stmt, ir.Assign):
            for goal in stmt.targets:
                for one, value in _pairs(goal, stmt.value):
                    _bind(out, Bound(one, value, stmt, context, stmt.op))
        elif isinstance(stmt, ir.For):
            _bind(out, Bound(stmt.target, None, stmt, context, "for"))
        elif isinstance(stmt, ir.With):
            for value, target in stmt.items:
                if target is not None:
                    _bind(out, Bound(target, value, stmt, context, "with"))
        for expr in ir.expressions(stmt):
            if isinstance(expr, ir.Call):
                func = expr.func
                method = func.attr if isinstance(func, ir.Attribute) else last(func)
                out.calls.append(Called(expr, facts.resolve(func), method, stmt, context))
                if method in _GROWS and isinstance(func, ir.Attribute):
                    out.changed.add(root(func.value))
            elif isinstance(expr, ir.Walrus):
                _bind(
                    out,
                    Bound(
                        ir.Name(expr.unit, expr.start, expr.end, expr.name),
                        expr.value,
                        stmt,
                        context,
                    ),
                )
    return out


def _bind(out: Index, bound: Bound) -> None:
    out.bound.append(bound)
    if isinstance(bound.target, ir.Name):
        out.by_name.setdefault(bound.target.id, []).append(bound)
        if bound.op not in ("", "for", "with"):
            out.changed.add(bound.target.id)
    elif isinstance(bound.target, ir.Subscript | ir.Attribute):
        out.changed.add(root(bound.target))
    elif isinstance(bound.target, ir.Sequence):
        for one in bound.target.elts:
            if isinstance(one, ir.Name):
                out.by_name.setdefault(one.id, []).append(bound)


def _pairs(target: ir.Expr, value: ir.Expr | None) -> Iterator[tuple[ir.Expr, ir.Expr | None]]:
    """Each target with its value; of a tuple whose value is no tuple, each with the whole."""
    if isinstance(target, ir.Sequence):
        values: list[ir.Expr | None] = [value] * len(target.elts)
        if isinstance(value, ir.Sequence) and len(value.elts) == len(target.elts):
            values = list(value.elts)
        for one, its in zip(target.elts, values, strict=True):
            yield from _pairs(one, its)
    else:
        yield target, value
