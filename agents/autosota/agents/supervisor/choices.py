"""Values that are one of several: the best epoch's score, the model of the best setting.

A formula that picks among alternatives is compared alternative by alternative: that there are
more of them, or in what order they were tried, is the search's business. What they are picked
by is told apart, for `judge.py` to say whether it may be looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from autosota.agents.code.values import PRED, Value, literal
from autosota.agents.supervisor.formula import evaluation_part

_MOST = 24


@dataclass(slots=True)
class Choice:
    """What a value may be, and the conditions that say which of these it is."""

    options: list[Value] = field(default_factory=list)
    conditions: list[Value] = field(default_factory=list)


def choice_of(value: Value) -> Choice | None:
    """The alternatives of a value; None when it is put together from turn to turn instead."""
    found = Choice()
    if not varies(value) or _adds_up(value) or not _collect(value, None, found, 0):
        return None
    found.options = list({v.key: v for v in found.options}.values())
    found.conditions = list({v.key: v for v in found.conditions}.values())
    if not found.conditions or not 0 < len(found.options) <= _MOST:
        return None
    return found


def varies(value: Value) -> bool:
    """True for a value of a kind that may be one of several."""
    return value.kind in ("phi", "loop") or (value.kind == "item" and varies(value.kids[0]))


def _adds_up(value: Value) -> bool:
    """True for one turn of a sum or a list: something is added to it, or it is left as it was."""
    return value.kind == "phi" and any(k.kind == "carried" or _adds_up(k) for k in value.kids[1:])


def _collect(value: Value, index: Value | None, out: Choice, depth: int) -> bool:
    if depth > 30:
        return False
    if value.kind == "carried" or value.kind == "unset":
        return True  # what an earlier turn left, which is among the alternatives
    if value.kind == "phi":
        out.conditions.append(value.kids[0])
        tried = [k for k in value.kids[1:] if not _before_all(k, value.kids[0])]
        return all(_collect(k, index, out, depth + 1) for k in tried)
    if value.kind == "loop" and value.kids:
        start, last, source = value.kids
        count = len(out.options)
        if not _collect(last, index, out, depth + 1):
            return False
        if any(_adds_to(v, start) for v in out.options[count:]):
            return False
        if source.kind == "until":
            out.conditions.extend(source.kids[1:])
        return _starts_empty(start) or _collect(start, index, out, depth + 1)
    if value.kind == "item" and index is None and literal(value.kids[1]):
        return _collect(value.kids[0], value.kids[1], out, depth + 1)
    if literal(value) == (None,):
        return True
    if index is not None:
        at = literal(index)[0]
        if value.kind == "seq" and isinstance(at, int) and -len(value.kids) <= at < len(value.kids):
            return _collect(value.kids[at], None, out, depth + 1)
        return _starts_empty(value)
    out.options.append(value)
    return True


def _adds_to(option: Value, start: Value) -> bool:
    """True for what a turn makes out of what the turn before it left."""

    def own(value: Value) -> bool:
        return value.kind == "loop" and value.kids[0].key == start.key

    return any(
        v.kind == "carried" and v.kids[0].key == start.key and not own(v)
        for v in evaluation_part(option, own)
    )


def _before_all(start: Value, condition: Value) -> bool:
    """True for what a score is first compared with, which every score is better than.

    `best = -1` before `if score > best`: the number never stays, so it is no alternative. A
    number that a score could lose to, such as 0.9, is one.
    """
    found = literal(start)
    if condition.kind != "cmp" or condition.head != "<" or len(condition.kids) != 2:
        return False
    number = found[0] if found else None
    smaller, larger = condition.kids
    if smaller.key == start.key and larger.flags & PRED:
        least = isinstance(number, int | float) and number <= 0
        return least or (start.kind != "const" and _starts_empty(start))
    if larger.key == start.key and smaller.flags & PRED:
        most = isinstance(number, int | float) and number >= _LARGE
        return most or (start.kind != "const" and _starts_empty(start))
    return False


_LARGE = 1000
"""What a score that is better when smaller is first compared with."""


def _starts_empty(value: Value) -> bool:
    """True for what a search begins with before there is a result: zero, infinity, nothing."""
    if value.kind in ("const", "ref", "unset"):
        return True
    if value.kind == "call" and value.head == "float":
        return True
    plain = value.kind in ("seq", "op", "dict", "attr") and not value.flags & PRED
    return plain and all(_starts_empty(k) for k in value.kids)
