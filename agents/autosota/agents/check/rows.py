"""Rows: columns, slices, masks, indices and what tables do to them.

Which rows an operation keeps decides whether two values share some. Where it cannot be told, the
result is a `filter` of its own: it lies inside what it was made from and shares rows with nothing
beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autosota.agents.check import ir
from autosota.agents.check.values import ABSENT, NOTHING, Event, Part, Value, join, mix, overlap

if TYPE_CHECKING:
    from autosota.agents.check.evaluate import Machine

_INDEX = frozenset(("index",))
_COMPLEMENTS = {
    "<": ("<", 0), ">=": ("<", 1), "<=": ("<=", 0), ">": ("<=", 1),
    "==": ("==", 0), "!=": ("==", 1), "in": ("in", 0), "not in": ("in", 1),
}  # fmt: skip


def element(value: Value) -> Value:
    """One element of something that is gone through."""
    if value.elts is not None:
        if not value.elts:
            return NOTHING
        found = value.elts[0]
        for other in value.elts[1:]:
            found = join(found, other)
        return found
    if value.fields and not value.rows:
        found = NOTHING
        for field in value.fields:
            found = join(found, field.value)
        return found
    if value.ref or value.const is not ABSENT:
        return NOTHING
    return value


def attribute_of(base: Value, name: str) -> Value:
    """An attribute of data: `.values`, `.T`, `.loc`, a column by its name."""
    if name in ("values", "T", "loc", "iloc", "ix", "at", "iat", "str", "dt", "data", "array"):
        if name == "data" and "bunch" in base.marks:
            return base._replace(marks=frozenset())
        return base
    if name == "target" and "bunch" in base.marks:
        return base._replace(marks=frozenset(("label",)))
    if "bunch" in base.marks:
        return NOTHING if name in ("DESCR", "frame_names") else base._replace(marks=frozenset())
    if any(mark.startswith("column:") for mark in base.marks):
        return base
    from autosota.agents.check.stored import column

    return column(base, name)


def sliced(m: Machine, base: Value, index: ir.Slice, node: ir.Expr) -> Value:
    """`base[lower:upper]`."""
    low = m.text(index.lower) if index.lower is not None else ""
    high = m.text(index.upper) if index.upper is not None else ""
    if low in ("0", ""):
        low = ""
    elts = base.elts
    if elts is not None and "repeat" not in base.marks:
        first, last = _number(index.lower), _number(index.upper)
        if index.step is None and first is not ABSENT and last is not ABSENT:
            low_n = first if isinstance(first, int) else None
            return base._replace(elts=elts[low_n : last if isinstance(last, int) else None])
        return base
    if not base.rows or (not low and not high):
        return base
    if index.step is not None:
        return base._replace(rows=_within(m, base.rows, "filter", m.text(index), node))
    rows = frozenset(
        m.part(p, "slice", (low, high), node=node, bounds=(low, high)) for p in base.rows
    )
    return base._replace(rows=rows, elts=None, const=ABSENT)


def _number(node: ir.Expr | None) -> object:
    if node is None:
        return None
    return node.value if isinstance(node, ir.Const) and isinstance(node.value, int) else ABSENT


def select(m: Machine, base: Value, index: Value, node: ir.Subscript) -> Value:
    """`base[index]` for an index that is a value: rows by number, by mask, or columns by name."""
    if "names" in index.marks or index.ref:
        marks = base.marks | {"without:?"}
        return base._replace(elts=None, marks=marks, fits=base.fits | index.fits)
    if base.elts is not None or (base.fields and not base.rows):
        return element(base)
    if base.objs and not base.rows:
        return base
    if not base.rows:
        return base
    if index.rows and index.marks & {"index", "mask"}:
        return base._replace(
            rows=apply_index(m, base.rows, index.rows),
            fits=base.fits | index.fits,
            elts=None,
        )
    if "mask" in index.marks or index.rows or index.fits:
        key = m.text(node.index)
        rows = _within(m, base.rows, "filter", key, node)
        return base._replace(rows=rows, fits=base.fits | index.fits, elts=None)
    if index.elts is not None and all(isinstance(e.const, str) for e in index.elts):
        fields = tuple(f for f in base.fields if any(e.const == f.key for e in index.elts))
        fits = base.fits.difference(*(f.extra for f in base.fields))
        marks = (base.marks - {"table"}) | {f"only:{e.const}" for e in index.elts}
        extra = fits.union(*(f.extra for f in fields))
        return base._replace(fits=extra, fields=fields, marks=frozenset(marks))
    return base._replace(elts=None, marks=base.marks | {"without:?"})


def apply_index(m: Machine, rows: frozenset[Part], index: frozenset[Part]) -> frozenset[Part]:
    """The rows at these numbers: the same splits, taken of other rows."""
    found: set[Part] = set()
    for part in rows:
        for numbers in index:
            here = part
            for step in numbers.path()[1:]:
                here = m.part(
                    here, step.kind, step.key, step.side, role=step.role, name=step.name,
                    node=step.node, bounds=step.bounds, shuffled=step.shuffled,
                )  # fmt: skip
            found.add(here)
    return frozenset(found)


def _within(
    m: Machine, rows: frozenset[Part], kind: str, key: object, node: ir.Expr
) -> frozenset[Part]:
    return frozenset(m.part(p, kind, key, node=node) for p in rows)


def fewer(m: Machine, value: Value, key: object, node: ir.Expr) -> Value:
    """Some of the rows, not known which."""
    if not value.rows:
        return value
    return value._replace(rows=_within(m, value.rows, "filter", key, node), elts=None, const=ABSENT)


def index_root(m: Machine, key: object, node: ir.Expr) -> Part:
    """Row numbers that belong to no rows yet."""
    return m.part(None, "numbers", key, node=node)


def index_value(m: Machine, rows: frozenset[Part], fits: frozenset[Event] = frozenset()) -> Value:
    """Row numbers."""
    return Value(rows, fits, marks=_INDEX)


def mask_of(m: Machine, node: ir.Compare, values: list[Value]) -> Value:
    """A comparison: of predictions with labels it is a score, of columns a mask of rows."""
    if len(values) != 2:
        return NOTHING
    left, right = values
    if node.ops[0] in ("==", "!="):
        predicted, other = (left, right) if left.preds else (right, left)
        if predicted.preds and other.rows and not other.preds:
            return compared(m, node, predicted, other)
    if "metric" in left.marks or "metric" in right.marks:
        return Value(marks=frozenset(("chosen",)))
    random = "random" in left.marks or "random" in right.marks
    if not (left.rows or right.rows or random or left.fits or right.fits):
        return NOTHING
    family, side = _COMPLEMENTS.get(node.ops[0], (node.ops[0], 0))
    key: tuple[object, ...]
    where: object = side
    if random:
        key = ("random", family, node)
    else:
        key = (family, m.text(node.operands[0]), m.text(node.operands[1]))
        const = right.const
        if family == "==" and isinstance(const, str | int | float | bool):
            key = (family, m.text(node.operands[0]))
            where = ("not", const) if side else const
    root = index_root(m, "mask", node)
    rows = frozenset((m.part(root, "mask", key, where, node=node),))
    return Value(rows, left.fits | right.fits, marks=frozenset(("mask",)))


def compared(m: Machine, node: ir.Expr, predicted: Value, labels: Value) -> Value:
    """Predictions beside the labels: how often they agree is a score."""
    fits: frozenset[Event] = frozenset().union(*(p.fits for p in predicted.preds))
    objs = frozenset(o for p in predicted.preds for o in p.models)
    score = m.event(
        "score", node, "==", data=(predicted, labels), models=objs, fits=fits, of=predicted.preds
    )
    return Value(fits=frozenset((score,)), marks=frozenset(("agreement",)))


def put_together(m: Machine, node: ir.Expr, values: tuple[Value, ...], by_rows: bool) -> Value:
    """Tables put under one another (`by_rows`) or side by side."""
    whole = mix(values)
    if not by_rows:
        fields = tuple(f for v in values for f in v.fields if isinstance(f.key, str))
        label = any("label" in v.marks for v in values)
        return whole._replace(fields=fields[:64], marks=frozenset(("joined",) if label else ()))
    seen: list[Part] = []
    twice = False
    for value in values:
        for part in value.rows:
            if any(overlap(part, other) for other in seen):
                twice = True
            seen.append(part)
    if twice and len(values) > 1:
        outer = [p for p in whole.rows if not any(p is not q and q in p.path() for q in whole.rows)]
        rows = frozenset(m.part(p, "copies", node, node=node) for p in outer)
        return whole._replace(rows=rows)
    roots = {p.root for p in whole.rows}
    if len(whole.rows) > 1 and len(roots) == 1 and _all_sides(whole.rows):
        return whole._replace(rows=frozenset(p.parent for p in whole.rows if p.parent))
    return whole


def _all_sides(rows: frozenset[Part]) -> bool:
    """Whether rows are the sides of one split put together again."""
    parents = {p.parent for p in rows}
    if len(parents) == 1 and len(rows) == 2 and all(p.kind == "slice" for p in rows):
        a, b = (p.bounds for p in rows)
        return (a[1] == b[0] and a[0] == b[1] == "") or (b[1] == a[0] and b[0] == a[1] == "")
    keys = {(p.kind, p.key) for p in rows}
    return len(parents) == 1 and len(keys) == 1 and len({p.side for p in rows}) > 1
