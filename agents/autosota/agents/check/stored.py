"""What names do to labels: columns, entries of dicts, what is stored where, wildcard imports."""

from __future__ import annotations

from autosota.agents.check import ir
from autosota.agents.check import knowledge as k
from autosota.agents.check.rows import element
from autosota.agents.check.values import ABSENT, Field, Value, join

MOST_FIELDS = 64
"""Columns or entries of one holder that are told apart."""
MOST_ELEMENTS = 64
"""Elements of one list that are told apart."""
KEPT = frozenset(("label", "list", "metric"))
COLUMN = frozenset(("label", "table"))


def keep_label(value: Value, left: Value, right: Value) -> Value:
    """Marks that survive arithmetic: a metric stays one."""
    if "metric" in left.marks or "metric" in right.marks:
        return value._replace(marks=value.marks | {"metric"}, objs=left.objs | right.objs)
    if ("future" in left.marks or "future" in right.marks) and (value.rows or value.fits):
        value = value._replace(marks=value.marks | {"future"})
    if "random" in left.marks or "random" in right.marks:
        return value._replace(marks=value.marks | {"random"})
    return value


def opposite(side: object) -> object:
    """The other side of a mask."""
    if isinstance(side, tuple) and len(side) == 2 and side[0] == "not":
        return side[1]
    return 1 - side if isinstance(side, int) and side in (0, 1) else ("not", side)


def constant_words(node: ir.Expr | None) -> list[str] | None:
    """The names in a literal list of column names, or None when it is none."""
    if isinstance(node, ir.Const) and isinstance(node.value, str):
        return [node.value]
    if not isinstance(node, ir.Sequence):
        return None
    words = [e.value for e in node.elts if isinstance(e, ir.Const) and isinstance(e.value, str)]
    return words if len(words) == len(node.elts) else None


def column(base: Value, key: str) -> Value:
    """One column of a table."""
    if not base.rows:
        if base.objs:
            return Value(objs=base.objs)
        return Value(base.rows, base.fits, preds=base.preds)
    fits = base.fits
    for field in base.fields:
        fits = fits - field.extra
    marks = {f"column:{key}"} | (base.marks & {"grouped"})
    return Value(base.rows, fits, preds=base.preds, marks=frozenset(marks))


def held(base: Value, field: Field) -> Value:
    """A column that was set before; its rows are those of the table as it is now."""
    value = field.value
    if base.rows and value.rows and value.rows is not base.rows:
        return value._replace(rows=base.rows)
    return value


def without(base: Value, keys: tuple[object, ...]) -> Value:
    """A table without some columns."""
    gone = [f for f in base.fields if f.key in keys]
    kept = tuple(f for f in base.fields if f.key not in keys)
    fits = base.fits
    for field in gone:
        fits = fits - field.extra
    fits = fits.union(*(f.extra for f in kept))
    marks = base.marks | frozenset(f"without:{k}" for k in keys if isinstance(k, str))
    return base._replace(fits=fits, fields=kept, marks=marks, elts=None)


def stored(old: Value, value: Value, key: object) -> Value:
    """What a holder is after something was stored in it."""
    if key is None:
        if old.rows:
            return old._replace(fits=old.fits | value.fits, const=ABSENT)
        if old.elts is not None:
            item = join(element(old), value) if old.elts else value
            return Value(
                elts=(item,), objs=old.objs, marks=frozenset(("repeat", "list")), fields=old.fields
            )
        grown = join(old, value._replace(const=ABSENT, elts=None, ref=""))
        return grown._replace(const=ABSENT)
    if isinstance(key, int) and old.elts is not None and -len(old.elts) <= key < len(old.elts):
        elts = list(old.elts)
        elts[key] = value
        return old._replace(elts=tuple(elts))
    extra = value.fits - old.fits
    rest = tuple(f for f in old.fields if f.key != key)
    replaced = next((f for f in old.fields if f.key == key), None)
    fits = old.fits
    if replaced is not None:
        # The same column made anew from itself keeps what it had learned.
        extra |= replaced.extra & value.fits
        fits = (fits - replaced.extra).union(*(f.extra for f in rest))
    item = value if value.rows or not old.rows else value._replace(rows=old.rows)
    if isinstance(key, str) and old.rows:
        own = frozenset(m for m in item.marks if not m.startswith(("column:", "only:", "table")))
        item = item._replace(marks=own | {f"column:{key}"})
    if len(rest) >= MOST_FIELDS:
        return old._replace(fits=fits | extra, const=ABSENT)
    marks = old.marks - {f"without:{key}"}
    rows = old.rows
    if not rows and old.fits == frozenset() and "dict" not in old.marks and value.rows:
        rows = value.rows
    return Value(
        rows, fits | extra, old.objs, "", ABSENT, None, old.preds, marks,
        (*rest, Field(key, item, extra)),
    )  # fmt: skip


_WILD = {
    "numpy": None, "pandas": None, "matplotlib": None, "pylab": None,
}  # fmt: skip


def wildcard(module: str, name: str) -> str:
    """The dotted name of a word that `from module import *` may have bound, or `''`."""
    top = module.partition(".")[0]
    if top in _WILD or top not in k.LIBRARIES:
        return ""
    known = (
        k.LEARNERS | k.PLAIN | k.PIPES | k.SEARCHES | k.OVERSAMPLERS | k.UNDERSAMPLERS | k.FOLDS
        | k.METRICS | k.CROSS_VALIDATION | k.CLUSTERS | {"train_test_split"} | k.PLOTTED
    )  # fmt: skip
    if name in known or (name[:1].isupper() and top in ("sklearn", "keras", "torch", "imblearn")):
        return f"{module}.{name}"
    return ""
