"""What a reported number is computed from, and where the model begins.

A formula is the value of a sink, cut where a model is asked: behind that cut everything belongs
to the method and may change; in front of it are the metric, the labels, the rows that are
tested and how they were split, which may not. Two formulas are compared in `compare.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from autosota.agents.code import libraries as lib
from autosota.agents.code.state import Event
from autosota.agents.code.values import DATA, ENV, LOAD, PRED, Value, literal, text_of, walk

_DATA = DATA | LOAD
_MEASURES = {"compute_metrics", "metrics", "weighted_metrics", "scoring", "cv"}
_ROWS = {"eval_dataset", "test_dataset", "test_dataloaders", "val_dataloaders", "eval_data",
         "datamodule"}  # fmt: skip
"""Arguments of trainers and searches that belong to the evaluation, not to the model."""


def is_model(value: Value, depth: int = 0) -> bool:
    """True for something that learns or transforms: an estimator, a network, a trainer."""
    for _ in range(40):
        if value.kind == "inst":
            return _model_object(value)
        if value.kind == "call":
            if lib.ESTIMATORS.match(value.head):
                return True
            if lib.WRAPS_MODEL.match(value.head) and value.kids:
                value = value.kids[0]
                continue
            if value.head in ("max", "min", "sorted") and depth < 3:
                return any(_holds_model(k, depth + 1) for k in value.kids if k.kind != "kw")
            return value.head.endswith(("Trainer", "Learner", "Regressor", "Classifier"))
        if value.kind == "mut" and value.kids:
            if value.head in lib.FIT or value.head in ("backward", "train", "load_state_dict"):
                return True
            value = value.kids[0]
            continue
        if value.kind == "method" and value.kids and value.head in lib.FIT - {"fit_transform"}:
            return True
        if value.kind == "method" and value.kids and value.head in _STILL_MODEL:
            value = value.kids[0]
            continue
        if value.kind == "attr" and value.head in _WEIGHTS and value.kids:
            value = value.kids[0]
            continue
        if value.kind == "item" and len(value.kids) == 2 and value.kids[1].kind == "const":
            held = value.kids[0]
            if held.kind in ("loop", "phi", "carried", "seq", "call") and depth < 3:
                return _holds_model(held, depth + 1, value.kids[1])
            return False
        if value.kind in ("loop", "phi") and depth < 3:
            kids = value.kids[1:] if value.kind == "phi" else value.kids[:2]
            return any(is_model(k, depth + 1) for k in kids)
        if value.kind in ("carried", "trained", "set") and value.kids:
            value = value.kids[0]
            continue
        return False
    return False


_STILL_MODEL = {"state_dict", "replace", "apply_gradients", "unfreeze", "get_weights", "module"}
_WEIGHTS = {"params", "variables", "weights", "best_estimator_", "module", "model", "state", "ema"}


def _holds_model(value: Value, depth: int, index: Value | None = None) -> bool:
    """True when a tuple, or one of several, has a model in it (at an index, if that is known)."""
    for _ in range(12):
        if value.kind == "seq":
            if index is not None and isinstance(at := literal(index)[0], int):
                return -len(value.kids) <= at < len(value.kids) and is_model(value.kids[at], depth)
            return any(is_model(k, depth) for k in value.kids)
        if value.kind in ("loop", "carried") and value.kids:
            if value.kind == "loop" and value.kids[0].kind in ("const", "seq") and (
                not value.kids[0].kids
            ):
                value = value.kids[1]
            else:
                value = value.kids[0]
            continue
        if value.kind == "phi":
            return any(_holds_model(k, depth + 1, index) for k in value.kids[1:]) if (
                depth < 5
            ) else False
        if value.kind == "call" and value.head in ("max", "min") and depth < 5:
            return any(_holds_model(k, depth + 1, index) for k in value.kids if k.kind != "kw")
        return is_model(value, depth)
    return False


def _model_object(value: Value) -> bool:
    names = {k.head for k in value.kids if k.kind == "kw"}
    if names & {"<mode>", "<trained>", "<learns>"}:
        return True
    return any(is_model(k.kids[0]) for k in value.kids if k.kind == "kw")


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
        for part in walk(value, lambda v: v.kind == "pred" or is_model(v) or summarises(v)):
            if summarises(part):
                continue
            if part.kind == "pred":
                asked.update(v.key for v in columns_of(part.kids[1]))
            elif part.flags & _DATA and not part.flags & PRED and not is_model(part):
                beside.add(part.key)
    return beside - asked


def columns_of(value: Value) -> Iterator[Value]:
    """A value and what its columns are made of: not how rows were chosen, nor models."""
    seen: set[int] = set()
    stack = [value]
    while stack:
        current = stack.pop()
        if current.key in seen:
            continue
        seen.add(current.key)
        yield current
        if not is_model(current):
            stack.extend(current.kids[:1] if current.kind == "split" else current.kids)


_REDUCTIONS = {
    "mean", "std", "var", "median", "quantile", "percentile", "nanmean", "nanstd", "max", "min",
    "len", "nunique", "unique", "value_counts", "bincount", "average", "nanmedian", "mode", "ptp",
    "nanquantile", "Counter", "get_feature_names_out", "amax", "amin", "cov", "corrcoef", "bfill_",
}  # fmt: skip


def summarises(value: Value) -> bool:
    """True for a statistic of rows, which is not rows itself: what a scaler subtracts."""
    if value.flags & PRED or value.kind not in ("method", "call"):
        return False
    if value.head.rpartition(".")[2] not in _REDUCTIONS:
        return False
    axis = value.named("axis")
    return axis is None or axis.head in ("0", "None") or axis.kind == "seq"


def tested(values: Iterable[Value]) -> set[int]:
    """Keys of all data that formulas are computed from: labels, and what the model is asked.

    Rows that only a statistic of is used (to scale others, say) are not tested by that.
    """
    out: set[int] = set()
    for value in values:
        for part in evaluation_part(value, summarises):
            rows = part.flags & _DATA and (part.flags & LOAD or not part.flags & ENV)
            if rows and not part.flags & PRED and part.kind not in WRAPPERS:
                out.add(part.key)
    return out


WRAPPERS = {"asked", "kw", "inst", "star"}
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
                asked = frozenset(
                    k.kids[0].key if k.kind == "kw" else k.key for k in part.kids[1].kids
                )
                out += [Learner(inside, asked) for inside in part.kids[2:]]
            else:
                out += [Learner(k) for k in part.kids if is_model(k)]
    return out


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
