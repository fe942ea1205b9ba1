"""Two formulas of one metric, side by side: where they differ.

A model may be another; all else must be the same computation. Values, not lines, are compared:
moving or renaming changes nothing. What a difference means is told by `judge.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from autosota.agents.code import libraries as lib
from autosota.agents.code.values import DATA, LOAD, PRED, Value, text_of, walk
from autosota.agents.supervisor.choices import Choice, choice_of, varies
from autosota.agents.supervisor.formula import delivered, is_model, skeleton, summarises
from autosota.agents.supervisor.identity import rows_of_table

_DATA = DATA | LOAD
_ENOUGH = 30


@dataclass(frozen=True, slots=True)
class Difference:
    """Two parts that should be equal; `trail` names what they are inside of, outermost first."""

    before: Value | None
    after: Value | None
    trail: tuple[str, ...]


def differences(before: Value, after: Value) -> Iterator[Difference]:
    """The smallest differing parts of two formulas, each pair once, as many as a person reads."""
    seen: set[tuple[int, int, bool]] = set()
    for found in _differ(before, after, (), 0):
        keys = [part.key if part is not None else 0 for part in (found.before, found.after)]
        key = (keys[0], keys[1], "asked" in found.trail)
        if key in seen:
            continue
        seen.add(key)
        yield found
        if len(seen) >= _ENOUGH:
            return


def _differ(
    before: Value, after: Value, trail: tuple[str, ...], depth: int
) -> Iterator[Difference]:
    if before.key == after.key:
        return
    if before.kind == after.kind == "item":
        before, after = _column_first(before), _column_first(after)
        if before.key == after.key:
            return
    if is_model(before) and is_model(after):
        yield from _delivered(before, after, trail, depth)
        return
    if before.kind == after.kind == "attr" and before.head == after.head in lib.NAMES:
        return  # what columns are called
    if depth > 60:
        yield Difference(before, after, trail)
        return
    if after.flags & before.flags & PRED and (varies(before) or varies(after)):
        choices = choice_of(before), choice_of(after)
        told = [
            found is not None or not varies(v)
            for found, v in zip(choices, (before, after), strict=True)
        ]
        if any(choices) and all(told):
            old, new = (
                found or Choice([v]) for found, v in zip(choices, (before, after), strict=True)
            )
            yield from _alternatives(old, new, trail, depth)
            return
    if before.kind != after.kind:
        # batches of rows are those rows
        if after.kind == "loader" and len(after.kids) == 1:
            after = after.kids[0]
        elif before.kind == "loader" and len(before.kids) == 1:
            before = before.kids[0]
        if before.key == after.key:
            return
    of_rows = not before.flags & PRED and summarises(before)
    inner = (*trail, *((STATISTIC,) if of_rows else ()), before.head or before.kind)
    if before.kind == "pred" and after.kind == "pred":
        yield from _asked(before, after, inner, depth)
        yield from _delivered(before.kids[0], after.kids[0], inner, depth)
        return
    if before.kind == "loop" and after.kind == "loop":
        yield from _differ(before.kids[0], after.kids[0], inner, depth + 1)
        yield from _differ(before.kids[1], after.kids[1], inner, depth + 1)
        rows = before.kids[2].flags & _DATA or _uses(before.kids[1], before.kids[2])
        if rows and rows_of_table(before.kids[2]) != rows_of_table(after.kids[2]):
            yield from _differ(before.kids[2], after.kids[2], inner, depth + 1)
        return
    if before.kind != after.kind or before.head != after.head:
        yield Difference(before, after, trail)
        return
    if before.kind == "set" and before.head == "item" and before.kids[0].key != after.kids[0].key:
        chains = written_columns(before), written_columns(after)
        if chains[0][1] and chains[1][1]:
            yield from _columns(before, after, chains, inner, depth)
            return
    if before.kind in ("call", "method", "inst"):
        yield from _arguments(before, after, inner, depth)
        return
    if before.kind == "item" and len(before.kids) == len(after.kids) == 2:
        name = text_of(before.kids[1])
        was, now = before.kids[0], after.kids[0]
        if name and name == text_of(after.kids[1]) and (was.kind, was.head) == (now.kind, now.head):
            yield from _differ(_with_only(was, name), _with_only(now, name), inner, depth + 1)
            return
    if len(before.kids) != len(after.kids):
        yield Difference(before, after, trail)
        return
    pairs = list(zip(before.kids, after.kids, strict=True))
    if before.head in ("==", "!=", "+", "*", "&", "|") and len(pairs) == 2:
        crossed = {before.kids[0].key, before.kids[1].key} & {k.key for k in after.kids}
        if crossed and before.kids[0].key not in (after.kids[0].key,):
            pairs = _cross(before.kids, after.kids)
    made = 2 if before.head == "dict" else 1
    for at, (left, right) in enumerate(pairs):
        if before.kind == "comp" and at >= made and rows_of_table(left) == rows_of_table(right):
            continue  # the same rows are gone through, with other columns
        yield from _differ(left, right, inner, depth + 1)


def _column_first(value: Value) -> Value:
    """`t[rows][name]` as `t[name][rows]`, which are the same cells."""
    if value.kind != "item" or len(value.kids) != 2 or not text_of(value.kids[1]):
        return value
    table, name = value.kids
    if table.kind != "item" or len(table.kids) != 2 or not table.kids[1].flags & DATA:
        return value
    if table.kids[1].kind in ("seq", "const"):
        return value  # columns of columns
    site = (value.path, value.line, value.symbol)
    rows = table.kids[0]
    by_place = rows.kind == "attr" and rows.head in ("iloc", "loc")
    whole = rows.kids[0] if by_place else rows
    inner = _column_first(Value("item", "", (whole, name), whole.flags, site))
    if by_place:
        inner = Value("attr", rows.head, (inner,), rows.flags, site)
    return Value("item", "", (inner, table.kids[1]), value.flags, site)


STATISTIC = "statistic"
"""In the trail of what a statistic of rows is made of, such as a scaler's mean."""
CHOICE = "choice"
"""Ends the trail of what decides between alternatives."""
OPTION = "option of several"
"""In the trail of what is one alternative among others."""


def _alternatives(
    old: Choice, new: Choice, trail: tuple[str, ...], depth: int
) -> Iterator[Difference]:
    """One of several against one or several: each must be like one of the base."""
    known = {v.key for v in old.options}
    for option in new.options:
        if option.key in known:
            continue
        best: list[Difference] | None = None
        least = (True, 0)
        for candidate in old.options:
            inner = (*trail, OPTION)
            found = list(islice(_differ(candidate, option, inner, depth + 1), _ENOUGH))
            whole = any(d.before is candidate and d.trail == inner for d in found)
            if best is None or (whole, len(found)) < least:
                best, least = found, (whole, len(found))
            if not best:
                break
        yield from best or ()
    if len(old.conditions) == len(new.conditions):
        for left, right in zip(old.conditions, new.conditions, strict=True):
            # which turn it is, or how long one goes on, is the training's business
            by_turns = not (left.flags | right.flags) & (_DATA | PRED)
            if skeleton(left) != skeleton(right) and not by_turns:
                yield from _differ(left, right, trail, depth + 1)
        return
    looked_at = {skeleton(v) for v in old.conditions}
    for condition in new.conditions:
        if skeleton(condition) not in looked_at:
            yield Difference(None, condition, (*trail, CHOICE))


_Chain = tuple[Value, dict[str, Value]]


def _with_only(table: Value, column: str) -> Value:
    """A table of which one column is read, without the other columns that were written to it.

    Splits pass rows on by their number; whatever else rows may depend on is kept as it is.
    """
    if table.kind == "set" and table.head == "item":
        written = text_of(table.kids[1])
        if written and written != column:
            return _with_only(table.kids[0], column)
    elif table.kind == "split" and table.kids:
        inner = _with_only(table.kids[0], column)
        if inner is not table.kids[0]:
            site = (table.path, table.line, table.symbol)
            kids = (inner, *table.kids[1:])
            return Value(table.kind, table.head, kids, table.flags, site, table.payload)
    return table


def written_columns(table: Value) -> _Chain:
    """A table before columns were written to it by name, and those columns."""
    columns: dict[str, Value] = {}
    while table.kind == "set" and table.head == "item" and text_of(table.kids[1]):
        columns.setdefault(text_of(table.kids[1]), table.kids[2])
        table = table.kids[0]
    return table, columns


def _columns(
    before: Value, after: Value, chains: tuple[_Chain, _Chain], trail: tuple[str, ...], depth: int
) -> Iterator[Difference]:
    """Two tables, column by column: the order in which they were written does not matter."""
    (root, old), (other, new) = chains
    yield from _differ(root, other, trail, depth + 1)
    for name, value in old.items():
        if name in new:
            yield from _differ(value, new[name], (*trail, f"column {name}"), depth + 1)
    if new.keys() - old.keys() or old.keys() - new.keys():
        yield Difference(before, after, (*trail, "columns"))


def _cross(a: tuple[Value, ...], b: tuple[Value, ...]) -> list[tuple[Value, Value]]:
    if a[0].key == b[1].key or a[1].key == b[0].key:
        return [(a[0], b[1]), (a[1], b[0])]
    return [(a[0], b[0]), (a[1], b[1])]


def _uses(body: Value, source: Value) -> bool:
    return any(v.kind == "elem" and v.kids[0].key == source.key for v in walk(body))


def _delivered(
    before: Value, after: Value, trail: tuple[str, ...], depth: int
) -> Iterator[Difference]:
    """Two models may differ, but not in what their trainers evaluate with."""
    alone = trail[-1:] in (("evaluate",), ("test",), ("validate",))
    old = {k.head: k.kids[0] for k in delivered(before, alone)}
    new = {k.head: k.kids[0] for k in delivered(after, alone)}
    for name in sorted(old.keys() | new.keys()):
        if name in old and name in new:
            yield from _differ(old[name], new[name], (*trail, f"{name}="), depth + 1)
        elif name in old:
            yield Difference(old[name], None, (*trail, f"{name}="))


def _arguments(
    before: Value, after: Value, trail: tuple[str, ...], depth: int
) -> Iterator[Difference]:
    first, second = before.positional, after.positional
    for at in range(max(len(first), len(second))):
        left = first[at] if at < len(first) else None
        right = second[at] if at < len(second) else None
        if left is None or right is None:
            yield Difference(left, right, trail)
        else:
            yield from _differ(left, right, trail, depth + 1)
    named_before = {k.head: k.kids[0] for k in before.kids if k.kind == "kw"}
    named_after = {k.head: k.kids[0] for k in after.kids if k.kind == "kw"}
    for name in sorted(named_before.keys() | named_after.keys()):
        left, right = named_before.get(name), named_after.get(name)
        if left is None or right is None:
            yield Difference(left, right, (*trail, f"{name}="))
        else:
            yield from _differ(left, right, (*trail, f"{name}="), depth + 1)


def _asked(before: Value, after: Value, trail: tuple[str, ...], depth: int) -> Iterator[Difference]:
    """The model may be another; what it is asked about must be the same rows."""
    old, new = before.kids[1].positional, after.kids[1].positional
    for at, left in enumerate(old):
        if at >= len(new) or skeleton(left) == skeleton(new[at]):
            continue
        yield Difference(left, new[at], (*trail, "asked"))
    known = {v.key for v in old}
    for extra in new[len(old) :]:
        if extra.flags & _DATA and extra.key not in known:
            yield Difference(None, extra, (*trail, "asked"))
    modes = [mode_of(p) for p in (before, after)]
    if modes[0] == "eval" and modes[1] == "train":
        yield Difference(before, after, (*trail, "mode"))


def mode_of(asked: Value) -> str:
    """Whether a model was last set to `train` or to `eval` when it was asked; '' if unknown."""
    model = asked.kids[0]
    if model.kind == "inst":
        mode = model.named("<mode>")
        return text_of(mode) if mode is not None else ""
    return ""
