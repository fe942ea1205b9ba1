"""The model, told by what the validation and the tested score have in common.

Two scores of one model are one formula over different rows. What is the same in both, was made of
data, and depends on the run's seed or on a loop, is what was learned, whatever it is called and
however it is written. Needed where no class or library says what the model is; knows nothing
of a program with one score only.
"""

from __future__ import annotations

from collections.abc import Iterable

from autosota.agents.code.values import DATA, LOAD, PRED, SEED, TRAINED, Value, walk
from autosota.agents.supervisor.compare import differences
from autosota.agents.supervisor.formula import is_model, summarises

_DATA = DATA | LOAD
_LOOSE = {"const", "option", "kw", "asked", "seq", "elem", "param", "index", "ref"}


def mark_learned(select: Iterable[Value], claim: Iterable[Value]) -> None:
    """Mark what was learned in pairs of formulas that hold no model's answer yet."""
    for left, right in zip(select, claim, strict=False):
        if left.key == right.key or left.flags & PRED or right.flags & PRED:
            continue
        shared = {v.key for v in walk(left)} & {v.key for v in walk(right)}
        apart: set[int] = set()
        for found in differences(left, right):
            for part in (found.before, found.after):
                if part is not None:
                    apart.update(v.key for v in walk(part))
        for formula in (left, right):
            _mark(formula, shared - apart)


def _mark(formula: Value, shared: set[int]) -> None:
    """Mark the largest shared parts, and let all above them come out of a model."""
    order: list[Value] = []
    seen: set[int] = set()
    stack: list[tuple[Value, bool]] = [(formula, False)]
    while stack:
        value, done = stack.pop()
        if done:
            order.append(value)
            continue
        if id(value) in seen:
            continue
        seen.add(id(value))
        learned = value.key in shared and value.kind not in _LOOSE and _depends(value)
        if learned:
            value.learned = True
            value.skeleton = None
            continue
        stack.append((value, True))
        stack.extend((k, False) for k in value.kids)
    for value in order:
        if any(k.learned or k.flags & PRED for k in value.kids):
            value.flags |= PRED
            value.skeleton = None


def _depends(value: Value) -> bool:
    """True for what was made of data by chance or in turns, and is no statistic or model yet."""
    made = value.flags & (SEED | TRAINED) and value.flags & _DATA
    return bool(made) and not summarises(value) and not is_model(value)
