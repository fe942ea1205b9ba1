"""Which rows a model learned from, and whether what is tested is among them.

In the base, some data is seen by training only: it is a cut between the raw data and the model.
In a candidate everything that reaches the model must still pass that cut. What does not is rows
that are tested (directly, or by choosing on their score), the unsplit data, or a new source.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from autosota.agents.code import libraries as lib
from autosota.agents.code.state import Event
from autosota.agents.code.values import DATA, LOAD, METRIC, PRED, Value, text_of, walk
from autosota.agents.supervisor.formula import keys, labels_of, models_in, tested, trainings
from autosota.agents.supervisor.sinks import SAVE_METHODS, SAVES, Sink

_DATA = DATA | LOAD
_WATCHES = {
    "eval_set", "validation_data", "eval_dataset", "val_dataloaders", "valid_sets", "callbacks",
    "eval_metric", "X_val", "y_val", "valid_data", "evals", "early_stopping", "val_loader",
}  # fmt: skip
_TESTISH = re.compile(r"(^|[^a-z])(test|eval|holdout|held_out|answer|gold|label)", re.IGNORECASE)
_ONLY_TRANSFORMS = re.compile(
    r"^sklearn\.(preprocessing|impute|decomposition|feature_extraction|random_projection"
    r"|kernel_approximation|compose|manifold)\."
)


@dataclass(frozen=True, slots=True)
class Leak:
    """Data that reaches a model although it should not."""

    value: Value
    through: str
    """`data`, `score` (a choice by it), `new` (a source the base does not read)."""
    training: Value


@dataclass(slots=True)
class Rows:
    """What a program tests on and trains on, as keys of values."""

    claim: set[int]
    select: set[int]
    labels: set[int]
    trained: set[int]
    known: set[int]
    saved: set[int]

    def only_trained(self, held_out: set[int]) -> set[int]:
        """The cut: data that training sees and this held-out part is not made of."""
        return self.trained - held_out


def learners(sinks: Iterable[Sink], events: Iterable[Event]) -> list[Value]:
    """Everything that holds what was learned: models behind reports, and calls that train."""
    out = models_in(s.value for s in sinks)
    out += trainings(events)
    seen: set[int] = set()
    unique: list[Value] = []
    for value in out:
        if value.key not in seen:
            seen.add(value.key)
            unique.append(value)
    return unique


def rows_of(
    claim: list[Sink], select: list[Sink], sinks: list[Sink], events: list[Event]
) -> Rows:
    """The rows of a program, from its reports and its training calls."""
    learned = learners([*claim, *select, *sinks], events)
    trained: set[int] = set()
    for value in learned:
        trained |= {v.key for v in walk(value) if v.flags & _DATA}
    everything = keys(e.value for e in events)
    return Rows(
        claim=tested(s.value for s in claim),
        select=tested(s.value for s in select),
        labels=labels_of(s.value for s in claim),
        trained=trained,
        known=everything,
        saved=saved_paths(events),
    )


def saved_paths(events: Iterable[Event]) -> set[int]:
    """Keys of the paths that the program itself writes models to."""
    out: set[int] = set()
    for event in events:
        value = event.value
        if value.kind == "call" and (SAVES.match(value.head) or value.head == "open"):
            out |= {k.key for k in value.kids}
        elif value.kind == "method" and value.head in SAVE_METHODS:
            out |= {k.key for k in value.kids[1:]}
    return out


def leaks(learned: Value, held_out: set[int], cut: set[int], rows: Rows) -> list[Leak]:
    """What reaches a learner without passing the cut."""
    out: list[Leak] = []
    seen: set[tuple[int, bool]] = set()
    stack: list[tuple[Value, bool]] = [(learned, False)]
    while stack:
        value, by_score = stack.pop()
        if not value.flags & (_DATA | PRED) or (value.key, by_score) in seen:
            continue
        seen.add((value.key, by_score))
        if value.key in cut:
            continue
        if value.key in held_out and value.flags & _DATA:
            out.append(Leak(value, "score" if by_score else "data", learned))
            continue
        source = value.flags & LOAD and not any(k.flags & LOAD for k in value.kids)
        if source and value.kind in ("call", "method"):
            if value.key not in rows.known and not _own_file(value, rows):
                out.append(Leak(value, "new", learned))
            continue
        stack.extend(_parts(value, by_score))
    return out


def _own_file(value: Value, rows: Rows) -> bool:
    return any(k.key in rows.saved for v in walk(value) for k in v.kids)


def _parts(value: Value, by_score: bool) -> Iterable[tuple[Value, bool]]:
    if value.kind == "phi":
        yield value.kids[0], True
        yield value.kids[1], by_score
        yield value.kids[2], by_score
        return
    if value.kind in ("left", "cmp", "raised", "bool"):
        by_score = True
    if value.flags & METRIC and value.kind == "call":
        by_score = True
    if value.kind == "method" and value.head in ("score", "evaluate"):
        by_score = True
    for kid in value.kids:
        yield kid, by_score or (kid.kind == "kw" and kid.head in _WATCHES)


@dataclass(frozen=True, slots=True)
class Found:
    """A leak that the base does not have, with the rule that names it."""

    code: str
    message: str
    value: Value
    training: Value
    warn: bool = False


def new_leaks(base: Rows, base_learned: list[Value], learned: list[Value], own: Rows) -> list[Found]:
    """Leaks of a candidate that its base does not have.

    Args:
        base: the rows of the base.
        base_learned: its learners.
        learned: the candidate's learners.
        own: the candidate's own rows, for files it writes and reads again.
    """
    out: dict[tuple[str, int], Found] = {}
    both = Rows(base.claim, base.select, base.labels, base.trained, base.known, own.saved | base.saved)
    for name, held_out in (("tested", base.claim), ("validation", base.select - base.claim)):
        cut = base.only_trained(held_out)
        had = {
            (leak.value.key, leak.through)
            for value in base_learned
            for leak in leaks(value, held_out, cut, both)
        }
        for value in learned:
            for leak in leaks(value, held_out, cut, both):
                if (leak.value.key, leak.through) in had:
                    continue
                found = _rule(leak, name, base)
                if found is not None:
                    out.setdefault((found.code, leak.value.key), found)
    return list(out.values())


def _rule(leak: Leak, name: str, rows: Rows) -> Found | None:
    text = _show(leak.value)
    if leak.through == "new":
        paths = " ".join(t for v in walk(leak.value) if (t := text_of(v)))
        if _TESTISH.search(paths) or "test" in leak.value.head:
            return Found("LK120", f"training reads {text}", leak.value, leak.training)
        message = f"training reads {text}, which the base does not"
        return Found("DS406", message, leak.value, leak.training, warn=True)
    if leak.through == "score":
        if name == "validation":
            return None
        code = "LK111" if any(k.kind == "kw" and k.head in _WATCHES for k in walk(leak.training)) else "LK112"
        return Found(code, f"what is kept depends on the score of {text}", leak.value, leak.training)
    transforms = _transforms(leak.training)
    if transforms:
        message = f"a transform learns from {name} rows: {text}"
        return Found("LK101", message, leak.value, leak.training, warn=True)
    code = "LK120" if leak.value.flags & LOAD and leak.value.kind == "call" else "LK109"
    return Found(code, f"training sees {name} rows: {text}", leak.value, leak.training)


def _transforms(training: Value) -> bool:
    """True when what learns is a scaler or an encoder, not the model."""
    for value in walk(training, lambda v: v.kind == "pred"):
        if value.kind == "call" and lib.ESTIMATORS.match(value.head):
            return bool(_ONLY_TRANSFORMS.match(value.head))
        if value.kind in ("inst", "trained"):
            return False
    return False


def _show(value: Value) -> str:
    from autosota.agents.code.values import show

    return f"`{show(value, 80)}`"


def chosen_saves(events: Iterable[Event], held_out: set[int]) -> list[tuple[Event, Value]]:
    """Checkpoints written only when a tested score says so."""
    out: list[tuple[Event, Value]] = []
    for event in events:
        value = event.value
        saves = value.kind == "call" and SAVES.match(value.head)
        if not saves and not (value.kind == "method" and value.head in SAVE_METHODS):
            continue
        for condition in event.conditions:
            hit = next((v for v in walk(condition) if v.key in held_out), None)
            if hit is not None:
                out.append((event, hit))
                break
    return out
