"""What the flow knows of a value: which rows it holds, what was learned from which rows, and more.

Rows are a path from where they were read through the splits that parted them (`Part`), so whether
two values share rows is asked of their paths. An `Event` is something that happened at a call: a
fit, a prediction, a score. How values come about is not known here (`flow`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from autosota.agents.check import ir


@dataclass(slots=True, eq=False)
class Part:
    """A set of rows: those of `parent`, or a part of them.

    Compared by identity; the flow makes one object per set of rows.

    Attributes:
        parent: What it is a part of, None for rows as they were read.
        kind: `root` (read or given), `split` (one side of a split), `slice`, `mask`, `filter`
            (some rows, not known which), `copies` (the same rows and copies or mixtures of them),
            `sample` (drawn at random).
        key: What parts with this kind have in common: two sides of one split have one key.
        side: Which of them; different sides of a split hold different rows.
        role: `train`, `validation`, `test` or `''`.
        name: What it is called in the text, for messages.
        node: Where it was made.
        bounds: Of a slice: texts of the lower and the upper bound, `''` for open.
        shuffled: Of a split: whether rows were shuffled (None: not known).
    """

    parent: Part | None
    kind: str
    key: object
    side: object = 0
    role: str = ""
    name: str = ""
    node: ir.Expr | None = None
    bounds: tuple[str, str] = ("", "")
    shuffled: bool | None = None
    _above: tuple[Part, ...] = ()

    def path(self) -> tuple[Part, ...]:
        """From the root down to it."""
        if self.parent is not None and not self._above:
            self._above = self.parent.path()
        return (*self._above, self)

    @property
    def root(self) -> Part:
        """The rows as they were read."""
        here = self
        while here.parent is not None:
            here = here.parent
        return here


@dataclass(slots=True, eq=False)
class Event:
    """Something that happened at a call.

    Attributes:
        kind: `fit` (a model), `learn` (a transform: scaler, encoder, selector, vocabulary),
            `statistic` (a mean, a quantile over rows), `resample`, `predict`, `score`, `split`,
            `search` (cross-validated choice), `validate` (watched while fitting).
        node: The call.
        name: Qualified name of what was called.
        data: What it read, features first and labels second.
        models: The objects it belongs to (a fitted estimator).
        fits: For predictions and scores: the fits of the model at that moment.
        of: For a score: the predictions it measured.
        result: Text of the target its result is assigned to.
        loops: The loops around it, outermost first.
    """

    kind: str
    node: ir.Expr
    name: str
    data: tuple[Value, ...] = ()
    models: frozenset[Obj] = frozenset()
    fits: frozenset[Event] = frozenset()
    of: frozenset[Event] = frozenset()
    result: str = ""
    loops: tuple[ir.Node, ...] = ()

    @property
    def rows(self) -> frozenset[Part]:
        """The rows of all it read."""
        return frozenset().union(*(v.rows for v in self.data)) if self.data else frozenset()


@dataclass(slots=True, eq=False)
class Obj:
    """An object made at a place: a model, a transform, a splitter, a loader.

    `kind` is its qualified class, `made` the values it was made from; `cls` its class, when it
    is one of this file.
    """

    node: ir.Node
    kind: str
    made: tuple[Value, ...] = ()
    options: tuple[tuple[str, Value], ...] = ()
    cls: ir.Class | None = None

    def option(self, name: str) -> Value:
        """The keyword it was made with, or `NOTHING`."""
        return next((v for k, v in self.options if k == name), NOTHING)


class _Absent:
    """No constant is known."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()
_NO: frozenset[str] = frozenset()


class Field(NamedTuple):
    """A column or an entry that was set by its name; `extra` is what only it has learned."""

    key: object
    value: Value
    extra: frozenset[Event] = frozenset()


class Value(NamedTuple):
    """What is known of a value. Everything empty: nothing is known.

    Attributes:
        rows: The rows it holds values of; several when it was put together.
        fits: What was learned from rows and has shaped its contents.
        objs: The objects it may be.
        ref: Dotted name of the module, class or function it is, `''` for none.
        const: The constant it is, `ABSENT` when it is none.
        elts: Its elements, for a tuple or list whose length is known.
        preds: The predictions it is made of.
        marks: `label` (true labels), `metric` (a score), `index` (row numbers), `random`
            (drawn at random), `statistic`, `column:NAME` (a single column), `without:NAME`
            (a column that was taken out), `names` (column names), `file:PATH` (read from there),
            `repeat` (any number of elements like the one in `elts`), and more.
        fields: Columns of a table, or entries of a dict, that were set one by one.
    """

    rows: frozenset[Part] = frozenset()
    fits: frozenset[Event] = frozenset()
    objs: frozenset[Obj] = frozenset()
    ref: str = ""
    const: object = ABSENT
    elts: tuple[Value, ...] | None = None
    preds: frozenset[Event] = frozenset()
    marks: frozenset[str] = _NO
    fields: tuple[Field, ...] = ()

    @property
    def roles(self) -> frozenset[str]:
        """Which of `train`, `validation`, `test` its rows are."""
        return frozenset(r for r in (role_of(part) for part in self.rows) if r)


NOTHING = Value()
_new = tuple.__new__


def constant(value: object) -> Value:
    """What is known of a literal; made a hundred times in a file, hence without keywords."""
    return _new(Value, (_NO, _NO, _NO, "", value, None, _NO, _NO, ()))


def reference(name: str) -> Value:
    """The module, class or function of a dotted name."""
    return _new(Value, (_NO, _NO, _NO, name, ABSENT, None, _NO, _NO, ()))


def holding(obj: Obj) -> Value:
    """An object."""
    return _new(Value, (_NO, _NO, frozenset((obj,)), "", ABSENT, None, _NO, _NO, ()))


def marked(value: Value, marks: frozenset[str]) -> Value:
    """A value with these marks and no others."""
    return _new(Value, (*value[:7], marks, value[8]))


class Pair(NamedTuple):
    """A score and the training behind what it scores.

    Attributes:
        score: The event of the score (or of the prediction, when nobody scores it).
        fit: The event that trained the model.
        train: What it was trained on.
        test: What it is scored on.
    """

    score: Event
    fit: Event
    train: Value
    test: Value


def role_of(part: Part) -> str:
    """The role of rows: that of the innermost split that gives one."""
    here: Part | None = part
    while here is not None:
        if here.role:
            return here.role
        here = here.parent
    return ""


def join(a: Value, b: Value) -> Value:
    """What is known when it is one or the other."""
    if a == b:
        return a
    if a is NOTHING or b is NOTHING:
        return a if b is NOTHING else b
    elts = None
    if a.elts is not None and b.elts is not None and len(a.elts) == len(b.elts):
        elts = tuple(join(x, y) for x, y in zip(a.elts, b.elts, strict=True))
    return Value(
        a.rows | b.rows,
        a.fits | b.fits,
        a.objs | b.objs,
        a.ref if a.ref == b.ref else a.ref or b.ref,
        a.const if type(a.const) is type(b.const) and a.const == b.const else ABSENT,
        elts,
        a.preds | b.preds,
        a.marks | b.marks,
        _join_fields(a.fields, b.fields),
    )


def _join_fields(a: tuple[Field, ...], b: tuple[Field, ...]) -> tuple[Field, ...]:
    if not a or not b or a == b:
        return a or b
    other = {f.key: f for f in b}
    found = []
    for field in a:
        twin = other.pop(field.key, None)
        if twin is None or twin == field:
            found.append(field)
        else:
            both = field.extra | twin.extra
            found.append(Field(field.key, join(field.value, twin.value), both))
    return (*found, *other.values())


def mix(values: Iterable[Value]) -> Value:
    """A value computed from several: rows, learning and predictions of all, no identity."""
    rows: frozenset[Part] = frozenset()
    fits: frozenset[Event] = frozenset()
    preds: frozenset[Event] = frozenset()
    for value in values:
        if value.rows:
            rows = rows | value.rows
        if value.fits:
            fits = fits | value.fits
        if value.preds:
            preds = preds | value.preds
        if value.elts and not value.rows:
            inner = mix(value.elts)
            rows, fits, preds = rows | inner.rows, fits | inner.fits, preds | inner.preds
    if not (rows or fits or preds):
        return NOTHING
    return Value(rows, fits, preds=preds)


def ordered(objs: Collection[Obj]) -> Collection[Obj]:
    """Objects in order of the text: sets of them have an order of their own in each run."""
    if len(objs) < 2:
        return objs
    return sorted(objs, key=lambda o: (o.node.unit.offset, o.node.start, o.kind))


def ordered_parts(parts: Iterable[Part]) -> Collection[Part]:
    """Rows in order of the text."""
    found = list(parts)
    return found if len(found) < 2 else sorted(found, key=_order)


def _order(part: Part) -> list[tuple[int, int, str, str, str]]:
    return [
        (
            -1 if step.node is None else step.node.unit.offset + step.node.start,
            -1 if step.node is None else step.node.end,
            step.kind,
            str(step.side),
            step.name,
        )
        for step in part.path()
    ]


# ------------------------------------------------------------------------------ shared rows
def share(a: Iterable[Part], b: Iterable[Part]) -> tuple[Part, Part] | None:
    """The first two that certainly have rows in common, or None."""
    first, second = ordered_parts(a), ordered_parts(b)
    for x in first:
        for y in second:
            if overlap(x, y):
                return x, y
    return None


def copied(a: Part, b: Part) -> Part | None:
    """The step that made copies, when it lies before what parts two sets of rows."""
    if a is b:
        return None
    for x, y in zip(a.path(), b.path(), strict=False):
        if not _alike(x, y):
            return None
        if x.kind == "copies":
            return x
    return None


def overlap(a: Part, b: Part) -> bool:
    """Whether two sets of rows certainly have rows, or copies of rows, in common.

    Where it cannot be known (two different filters of one table), the answer is no.
    """
    if a is b:
        return True
    x, y = a.path(), b.path()
    if not _alike(x[0], y[0]):
        return False
    n = 1
    while n < len(x) and n < len(y) and _alike(x[n], y[n]):
        n += 1
    copied = any(step.kind == "copies" for step in x[:n])
    rest_x = [s for s in x[n:] if s.kind != "copies"]
    rest_y = [s for s in y[n:] if s.kind != "copies"]
    if not rest_x or not rest_y:
        return True
    if copied:
        return True
    return _apart(rest_x, rest_y) is False


def _alike(a: Part, b: Part) -> bool:
    """Whether two parts of the same rows are the same rows."""
    return a is b or (a.kind == b.kind and a.side == b.side and a.key == b.key)


def _apart(x: Sequence[Part], y: Sequence[Part]) -> bool | None:
    """True: different rows. False: some rows in common. None: not known."""
    first, second = x[0], y[0]
    if first.kind == second.kind == "split":
        if first.key == second.key:
            if first.side == second.side:
                return False if len(x) == 1 or len(y) == 1 else _apart(x[1:], y[1:])
            return True
        # Two random splits of one table are drawn apart from each other: their sides mix.
        if first.shuffled is not False and second.shuffled is not False:
            return False if {first.side, second.side} != {0} else None
        return None
    return True if first.kind == second.kind == "slice" else None
