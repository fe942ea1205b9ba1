"""What a reported number is computed from, and where the model begins.

A formula is the value of a sink, cut where a model is asked: behind that cut everything belongs
to the method and may change; in front of it are the metric, the labels, the rows that are
tested and how they were split, which may not. Two formulas are compared in `compare.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from autosota.agents.code import libraries as lib
from autosota.agents.code.models import is_model
from autosota.agents.code.state import Event
from autosota.agents.code.values import DATA, ENV, LOAD, PRED, Value, text_of, walk

_DATA = DATA | LOAD
_MEASURES = {"compute_metrics", "metrics", "weighted_metrics", "scoring", "cv"}
_ROWS = {"eval_dataset", "test_dataset", "test_dataloaders", "val_dataloaders", "eval_data",
         "datamodule"}  # fmt: skip
"""Arguments of trainers and searches that belong to the evaluation, not to the model."""


def evaluation_part(
    value: Value, stop: Callable[[Value], bool] = lambda value: False
) -> Iterator[Value]:
    """The values of a formula on the evaluation's side, whole before part.

    A model is left out; what it is asked about is not. Nor is a value at which to stop.
    """
    seen: set[int] = set()
    stack = [value]
    while stack:
        current = stack.pop()
        if current.key in seen:
            continue
        seen.add(current.key)
        if stop(current):
            continue
        yield current
        stack.extend(reversed(list(evaluation_kids(current))))


def evaluation_kids(value: Value) -> Iterator[Value]:
    """The parts of a value that are on the evaluation's side."""
    if value.kind == "pred":
        yield value.kids[1]
        yield from delivered(value.kids[0])
        return
    for at, kid in enumerate(value.kids):
        if is_model(kid):
            yield from delivered(kid, at == 0 and len(value.positional) < 2)
        elif kid.kind == "kw" and is_model(kid.kids[0]):
            continue
        else:
            yield kid


def delivered(model: Value, rows: bool = False) -> Iterator[Value]:
    """What a trainer or a search object was given to evaluate with: metrics, perhaps rows."""
    wanted = _MEASURES | _ROWS if rows else _MEASURES
    for _ in range(40):
        holds = model.kind in ("call", "inst")
        if holds or (model.kind == "mut" and model.head == "compile"):
            yield from (k for k in model.kids if k.kind == "kw" and k.head in wanted)
        if model.kind == "inst":
            return
        if model.kind == "call" or not model.kids:
            return
        model = model.kids[1] if model.kind == "phi" else model.kids[0]


def skeleton(value: Value) -> int:
    """A key of a value that does not depend on which model was asked."""
    if value.skeleton is None:
        if value.kind == "pred":
            made = hash(("pred", skeleton(value.kids[1])))
        elif is_model(value):
            made = 0
        elif not value.flags & PRED:
            made = value.key
        else:
            made = hash((value.kind, value.head, tuple([skeleton(k) for k in value.kids])))
        value.skeleton = made
    return value.skeleton


def label_names(values: Iterable[Value]) -> set[str]:
    """Names of the columns that labels come from."""
    every = list(values)
    beside = labels_of(every)
    out: set[str] = set()
    for value in every:
        for part in walk(value, lambda v: v.kind == "pred"):
            if part.kind == "item" and part.key in beside and text_of(part.kids[1]):
                out.add(text_of(part.kids[1]))
            elif (
                part.kind == "attr" and part.key in beside and part.head in ("target", "y", "label")
            ):
                out.add(part.head)
    return out


def labels_of(values: Iterable[Value]) -> set[int]:
    """Keys of the data of formulas that no model is asked about: the labels' side."""
    asked: set[int] = set()
    beside: set[int] = set()
    for value in values:
        for part in _beside_models(value):
            if summarises(part):
                continue
            if part.kind == "pred":
                asked.update(v.key for v in columns_of(part.kids[1], conditions=False))
                if not part.kids[1].flags & _DATA:
                    # a model that goes on with its own history: that is what it is asked about
                    asked.update(v.key for v in walk(part.kids[0]) if v.flags & _DATA)
            elif part.flags & _DATA and not part.flags & PRED and not is_model(part):
                beside.add(part.key)
    return beside - asked


def _beside_models(value: Value) -> Iterator[Value]:
    """The parts of a formula outside models: not the conditions that rows are picked by."""
    seen: set[int] = set()
    stack = [value]
    while stack:
        current = stack.pop()
        if current.key in seen:
            continue
        seen.add(current.key)
        if numbers_words(current):
            continue
        yield current
        if current.kind == "pred" or is_model(current) or summarises(current):
            continue
        masked = current.kind == "item" and masks(current.kids[-1])
        stack.extend(reversed(current.kids[:1] if masked else current.kids))


def columns_of(value: Value, told: bool = False, conditions: bool = True) -> Iterator[Value]:
    """A value and what its columns are made of: not how a split was made, nor models.

    Args:
        value: the value.
        told: leave sizes out as well; a label's count tells no label.
        conditions: what rows were picked by with a mask is gone through, too.
    """
    seen: set[int] = set()
    stack = [value]
    while stack:
        current = stack.pop()
        if current.key in seen:
            continue
        seen.add(current.key)
        if told and numbers_words(current):
            continue
        yield current
        if not is_model(current) and not (told and tells_nothing(current)):
            masked = not conditions and current.kind == "item" and masks(current.kids[-1])
            picked = current.kind == "split" or masked
            stack.extend(current.kids[:1] if picked else current.kids)


def masks(index: Value) -> bool:
    """True for a condition on rows, by which some are picked: `df[df.year > 2000]`."""
    if not index.flags & _DATA:
        return False
    if index.kind == "op" and index.head in ("&", "|", "~"):
        return all(masks(k) for k in index.kids)
    if index.kind == "method":
        return index.head in ("isin", "between", "notna", "isna", "notnull", "isnull", "eq", "ne")
    return index.kind == "cmp"


def numbers_words(value: Value) -> bool:
    """True for a vocabulary: it gives each word or class a number, and tells no row of any."""
    if value.kind == "comp" and value.head == "dict" and len(value.kids) > 2:
        return not value.kids[1].flags & (_DATA | PRED)
    if value.kind == "call" and value.head == "dict" and len(value.kids) == 1:
        pairs = value.kids[0]
        zipped = pairs.kind == "call" and pairs.head == "zip" and len(pairs.kids) == 2
        return zipped and not pairs.kids[1].flags & (_DATA | PRED)
    if value.kind == "loop" and value.kids[0].kind == "dict" and not value.kids[0].kids:
        turn = value.kids[1]
        while turn.kind == "phi":
            turn = turn.kids[1] if turn.kids[2].kind == "carried" else turn.kids[2]
        written = turn.kind == "set" and turn.head == "item" and len(turn.kids) == 3
        return written and not turn.kids[2].flags & (_DATA | PRED)
    return False


def tells_nothing(value: Value) -> bool:
    """True for a size or a type of rows: nothing that is in them is told by it."""
    grouped = value.kind == "method" and value.kids[0].head == "groupby"
    named = value.kind in ("call", "method", "attr") and value.head.rpartition(".")[2] in _SIZES
    return named and not grouped


_SIZES = {
    "len", "__len__", "shape", "ndim", "dtype", "size", "dim", "numel", "ndimension", "device",
    "type", "isinstance", "zeros_like", "ones_like", "empty_like",
}  # fmt: skip


_REDUCTIONS = {
    "mean", "std", "var", "median", "quantile", "percentile", "nanmean", "nanstd", "max", "min",
    "len", "nunique", "unique", "value_counts", "bincount", "average", "nanmedian", "mode", "ptp",
    "nanquantile", "Counter", "get_feature_names_out", "amax", "amin", "cov", "corrcoef", "bfill_",
}  # fmt: skip


def summarises(value: Value) -> bool:
    """True for a statistic of rows, which is not rows itself: what a scaler subtracts."""
    if value.statistic is None:
        value.statistic = False  # while it is worked out
        value.statistic = _statistic(value)
    return value.statistic


def _statistic(value: Value) -> bool:
    if value.flags & PRED or not value.flags & _DATA:
        return False
    if value.kind in ("method", "call") and value.head.rpartition(".")[2] in _REDUCTIONS:
        axis = value.named("axis")
        return axis is None or axis.head in ("0", "None") or axis.kind == "seq"
    if value.kind not in ("op", "item", "attr", "seq", "dict", "kw", "method", "call", "phi"):
        return False
    if (
        value.kind in ("method", "call")
        and value.flags & LOAD
        and not any(k.flags & LOAD for k in value.kids)
    ):
        return False
    rows = [k for k in value.kids if k.flags & _DATA]
    return bool(rows) and all(summarises(k) for k in rows)


def tested(values: Iterable[Value]) -> set[int]:
    """Keys of all data that formulas are computed from: labels, and what the model is asked.

    Rows that only a statistic of is used (to scale others, say) are not tested by that, nor are
    rows by whose score one of several is chosen.
    """
    out: set[int] = set()
    for value in values:
        chosen_by = {
            part.kids[0].key
            for part in evaluation_part(value)
            if part.kind == "phi" and part.kids[0].flags & PRED
        }

        def beside(part: Value, chosen_by: set[int] = chosen_by) -> bool:
            told = part.flags & (_DATA | PRED | ENV) and not numbers_words(part)
            return part.key in chosen_by or summarises(part) or not told

        for part in evaluation_part(value, beside):
            rows = part.flags & _DATA and (part.flags & LOAD or not part.flags & ENV)
            if rows and not part.flags & PRED and part.kind not in WRAPPERS:
                out.add(part.key)
    return out


WRAPPERS = {"asked", "carried", "kw", "inst", "star"}
"""Kinds that only hold other values together."""


@dataclass(frozen=True, slots=True)
class Learner:
    """Something that learned, and the rows that it may see because it is asked about them."""

    value: Value
    asked: frozenset[int] = frozenset()


def models_in(values: Iterable[Value]) -> list[Learner]:
    """The parts of formulas behind the cut: models, and what their code does inside."""
    out: list[Learner] = []
    for value in values:
        for part in evaluation_part(value):
            if part.kind == "pred":
                out.append(Learner(part.kids[0]))
                asked = frozenset(_asked_of(part.kids[1]))
                out += [Learner(inside, asked) for inside in part.kids[2:]]
            else:
                out += [Learner(k) for k in part.kids if is_model(k)]
    return out


def _asked_of(value: Value, depth: int = 0) -> Iterator[int]:
    """Keys of what is asked about, and of the parts of what only holds them together."""
    for kid in value.kids:
        inner = kid.kids[0] if kid.kind == "kw" else kid
        yield inner.key
        if inner.kind in ("seq", "dict", "text") and depth < 3:
            yield from (k for k in _asked_of(inner, depth + 1))


FIT_CALLS = lib.FIT | {"backward", "train", "fit_resample", "manual_backward", "boost"}
_FIT_FUNCTIONS = ("xgboost.train", "xgboost.cv", "lightgbm.train", "torch.autograd.grad")


def trainings(events: Iterable[Event]) -> list[Value]:
    """Calls that learn from data."""
    out: list[Value] = []
    for event in events:
        value = event.value
        if (value.kind == "method" and value.head in FIT_CALLS) or (
            value.kind == "call" and value.head in _FIT_FUNCTIONS
        ):
            out.append(value)
    return out


def keys(values: Iterable[Value]) -> set[int]:
    """Keys of values and all their parts."""
    return {part.key for value in values for part in walk(value)}


__all__ = ["Learner", "evaluation_part", "is_model", "models_in", "tested"]
