"""Which rows a model learned from, and whether what is tested is among them.

In the base, some data is seen by training only: it is a cut between the raw data and the model.
In a candidate everything that reaches the model must still pass that cut. What does not is rows
that are tested (directly, or by choosing on their score), the unsplit data, or a new source.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from autosota.agents.code import libraries as lib
from autosota.agents.code.state import Event
from autosota.agents.code.values import (
    CARRIED,
    DATA,
    LOAD,
    METRIC,
    PRED,
    Value,
    literal,
    show,
    text_of,
    walk,
)
from autosota.agents.supervisor.choices import choice_of
from autosota.agents.supervisor.compare import differences, mode_of
from autosota.agents.supervisor.formula import (
    WRAPPERS,
    Learner,
    evaluation_part,
    is_model,
    keys,
    label_names,
    labels_of,
    models_in,
    numbers_words,
    summarises,
    tells_nothing,
    tested,
    trainings,
)
from autosota.agents.supervisor.identity import picked_by, place_of_rows, same_place
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


Selector = tuple[str, str, int]
"""How a part of the rows is chosen, whatever the columns are."""


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
    chosen: set[Selector]
    """How rows that only training sees are picked."""
    claimed: set[Selector]
    """How rows are picked in the claim."""
    tuning: set[Selector]
    """How rows of the validation part are picked, which no tested row is."""
    whole: set[int]
    """Tables that training goes through from end to end, a batch at a time."""
    label_columns: set[int]
    label_names: set[str]
    asked: set[int]
    sources: set[int]
    tested_sources: set[int]
    trained_sources: set[int]
    tested_places: set[str]
    """Paths that only tested rows are read from."""
    label_places: set[str]
    """Those of them that labels are read from."""
    label_sources: set[int]
    """Labels, and the tables they are columns or rows of."""
    validation: set[int]
    """What the validation score is computed from in the place of what is tested."""
    entire: set[int]
    """What training takes in as a whole, no row of it left out: a recommender's histories."""

    def only_trained(self, held_out: set[int]) -> set[int]:
        """The cut: data that training sees and this held-out part is not made of.

        What a model both learns from and is asked about (a recommender's histories) is not
        held out, if no label is made of it.
        """
        seen = (self.trained - held_out) | (self.trained & self.asked - self.labels)
        return seen | self.whole | (self.entire - self.labels - self.label_sources)

    def only_tested(self, source: Value) -> bool:
        """True for a read of files that the base reads for the claim alone."""
        place = place_of_rows(source)
        return bool(place) and same_place(place, self.tested_places)

    def is_tested_label(self, source: Value) -> bool:
        """True for a read of files that hold labels of the claim, and are read for it alone."""
        place = place_of_rows(source)
        return bool(place) and same_place(place, self.label_places)

    def only_in_validation(self, value: Value) -> bool:
        """True for rows that the validation score is computed on, and the claim is not."""
        return value.key in self.select - self.claim or _selector(value) in self.tuning

    def only_in_training(self, value: Value) -> bool:
        """True for rows that are picked as the base picks its training rows, or among those."""
        selector = _selector(value)
        if selector is None:
            return False
        if selector in self.chosen:
            return True
        if value.kind != "item":
            return False
        index = value.kids[1]
        return _restricts(index, self.chosen) or self._none_held_out(index)

    def _none_held_out(self, index: Value) -> bool:
        """True for a mask that leaves out what is tested and what is chosen by."""
        while index.kind == "op" and index.head == "&":
            index = index.kids[0] if index.kids[0].head == "~" else index.kids[1]
        if index.kind != "op" or index.head != "~" or not self.tuning:
            return False
        stack, left_out = [index.kids[0]], set[Selector]()
        while stack:
            part = stack.pop()
            if part.kind == "op" and part.head == "|":
                stack.extend(part.kids)
            else:
                left_out.add(("item", "", picked_by(part)))
        return bool(left_out & self.claimed) and bool(left_out & self.tuning)


def learners(sinks: Iterable[Sink], events: Iterable[Event]) -> list[Learner]:
    """Everything that holds what was learned: models behind reports, and calls that train."""
    out = models_in(s.value for s in sinks)
    out += [Learner(t) for t in trainings(events)]
    seen: set[tuple[int, frozenset[int]]] = set()
    unique: list[Learner] = []
    for learner in out:
        if (learner.value.key, learner.asked) not in seen:
            seen.add((learner.value.key, learner.asked))
            unique.append(learner)
    return unique


def rows_of(
    claim: list[Sink], select: list[Sink], learned: list[Learner], events: list[Event]
) -> Rows:
    """The rows of a program, from its reports and its training calls."""
    trained: set[int] = set()
    whole: set[int] = set()
    chosen: set[Selector] = set()
    for learner in learned:
        for v in walk(
            learner.value,
            lambda v, asked=learner.asked: v.key in asked or _is_size(v),  # type: ignore[misc]
        ):
            if _is_size(v):
                continue  # the number of users is no row of theirs
            if v.key not in learner.asked and v.flags & _DATA and v.kind not in WRAPPERS:
                trained.add(v.key)
                if (selector := _selector(v)) is not None:
                    chosen.add(selector)
                    if v.kind == "item" and _goes_through(v.kids[1]):
                        whole.add(v.kids[0].key)
    picked = _selectors(claim)
    labels = labels_of(s.value for s in claim)
    tested_places = _places(evaluated(claim))
    tested_places -= _places(behind(learned)) | _places(evaluated(select))
    chosen -= picked
    return Rows(
        claim=tested(s.value for s in claim),
        select=tested(s.value for s in select),
        labels=labels,
        trained=trained,
        known=keys(e.value for e in events),
        saved=saved_paths(events),
        chosen=chosen,
        claimed=picked,
        tuning=_selectors(select) - picked,
        whole=whole,
        label_columns=_label_columns(claim),
        label_names=label_names(s.value for s in claim),
        asked={
            key
            for learner in models_in(s.value for s in [*claim, *select])
            for key in learner.asked
        },
        sources={source_key(e.value) for e in events if is_source(e.value)},
        tested_sources={
            source_key(v) for s in claim for v in evaluation_part(s.value) if is_source(v)
        },
        trained_sources={
            source_key(v) for learner in learned for v in walk(learner.value) if is_source(v)
        },
        tested_places=tested_places,
        label_places=tested_places & _places(v for v in evaluated(claim) if v.key in labels),
        label_sources=_label_sources(claim),
        validation=_in_place_of(select, claim),
        entire={key for learner in learned for key in _taken_whole(learner)},
    )


def _taken_whole(learner: Learner) -> Iterator[int]:
    """Keys of what reaches a learner without a choice of rows on the way."""
    seen: set[int] = set()
    stack = [learner.value]
    while stack:
        value = stack.pop()
        if value.key in seen or value.key in learner.asked or not value.flags & _DATA:
            continue
        seen.add(value.key)
        if value.kind in ("pred", "cmp", "bool", "left", "folds") or is_source(value):
            continue
        if summarises(value) or tells_nothing(value) or numbers_words(value):
            continue
        if value.kind not in WRAPPERS:
            yield value.key
        if _selector(value) is not None or (value.kind == "item" and value.kids[1].flags & _DATA):
            continue
        stack.extend(value.kids[1:] if value.kind == "phi" else value.kids)


def evaluated(sinks: list[Sink]) -> Iterator[Value]:
    """All parts of reports on the evaluation's side."""
    return (v for s in sinks for v in evaluation_part(s.value))


def behind(learned: list[Learner]) -> Iterator[Value]:
    """All parts of what was learned."""
    return (v for one in learned for v in walk(one.value, lambda v, a=one.asked: v.key in a))  # type: ignore[misc]


def _places(values: Iterable[Value]) -> set[str]:
    return {place for v in values if (place := place_of_rows(v))}


def _selectors(sinks: list[Sink]) -> set[Selector]:
    """How the rows of reports are picked."""
    return {
        selector
        for sink in sinks
        for v in evaluation_part(sink.value, _tells_no_rows)
        if (selector := _selector(v)) is not None
    }


def _tells_no_rows(value: Value) -> bool:
    """True for statistics and sizes: what a scaler subtracts, which categories there are."""
    return summarises(value) or not value.flags & (_DATA | PRED)


def _is_size(value: Value) -> bool:
    """True for a number of things, such as the largest user id: no row is learned from."""
    last = value.head.rpartition(".")[2]
    return last in ("max", "min", "nunique", "unique") and summarises(value)


def _in_place_of(select: list[Sink], claim: list[Sink]) -> set[int]:
    """Where the two formulas differ: rows of the validation part, and no rows that are tested."""
    ours: set[int] = set()
    theirs: set[int] = set()
    for left, right in zip(select, claim, strict=False):
        if left.value.key == right.value.key:
            continue
        for found in differences(left.value, right.value):
            for side, part in ((ours, found.before), (theirs, found.after)):
                if part is not None:
                    side.update(v.key for v in walk(part, is_model) if v.flags & _DATA)
    return ours - theirs


def _label_columns(claim: list[Sink]) -> set[int]:
    """The whole label column, before any split: what the tested labels are a part of."""
    out: set[int] = set()
    beside = labels_of(s.value for s in claim)
    for sink in claim:
        for value in walk(sink.value, lambda v: v.kind == "pred"):
            if value.key in beside and value.kind in ("split", "item"):
                inner = value.kids[0]
                while inner.kind in ("call", "method", "op") and inner.kids:
                    out.add(inner.key)
                    inner = inner.kids[0]
                if inner.kind == "item":
                    out.add(inner.key)
    return out


def _selector(value: Value) -> Selector | None:
    if value.kind == "split":
        return "split", value.head, hash(tuple(k.key for k in value.kids[1:]))
    if value.kind == "item" and (value.kids[1].flags & DATA or value.kids[1].kind == "slice"):
        return "item", "", picked_by(value.kids[1])
    return None


_SUBSETS = {
    "choice", "permutation", "sort", "sorted", "unique", "shuffle", "flatnonzero", "nonzero",
    "where", "split", "array_split", "clone", "copy", "astype", "argwhere", "intersect1d", "sample",
    "randperm", "view", "reshape", "squeeze", "long", "bool",
}  # fmt: skip
"""Calls that give some of the row numbers they are given."""


def _restricts(index: Value, chosen: set[Selector], depth: int = 0) -> bool:
    """True when an index picks rows only among those that one of some selectors picks."""
    if ("item", "", picked_by(index)) in chosen:
        return True
    if depth > 8 or not index.flags & _DATA:
        return False
    kids = index.kids
    if index.kind == "op" and index.head == "&":
        return any(_restricts(k, chosen, depth + 1) for k in kids)
    if index.kind in ("item", "elem"):
        return _restricts(kids[0], chosen, depth + 1)
    if index.kind in ("method", "call"):
        last = index.head.rpartition(".")[2]
        if last == "setdiff1d":
            return bool(kids) and _restricts(kids[0], chosen, depth + 1)
        return last in _SUBSETS and any(_restricts(k, chosen, depth + 1) for k in index.positional)
    return False


_DRAWS = {"randperm", "permutation", "randint", "choice", "integers", "sample"}


def _goes_through(index: Value) -> bool:
    """True for the index of one batch in a loop over all rows, or of rows drawn among all."""
    turns = False
    for part in walk(index, lambda v: not v.flags & _DATA):
        if part.kind == "item" and part.flags & _DATA:
            return False
        drawn = part.kind in ("call", "method") and part.head.rpartition(".")[2] in _DRAWS
        turns = turns or part.kind == "elem" or drawn
        if part.flags & LOAD and not summarises(part) and part.kind in ("call", "method"):
            return False
    return turns


def saved_paths(events: Iterable[Event]) -> set[int]:
    """Keys of the paths that the program itself writes models to."""
    out: set[int] = set()
    for event in events:
        value = event.value
        if value.kind == "call" and value.head == "open":
            mode = value.named("mode") or (value.positional[1:] or (None,))[0]
            if mode is not None and text_of(mode)[:1] in ("w", "a", "x"):
                out.add(value.kids[0].key)
        elif value.kind == "call" and SAVES.match(value.head):
            out |= {k.key for k in value.kids}
        elif value.kind == "method" and value.head in SAVE_METHODS:
            out |= {k.key for k in value.kids[1:]}
    return out


def leaks(learner: Learner, held_out: set[int], cut: set[int], rows: Rows) -> list[Leak]:
    """What reaches a learner without passing the cut."""
    out: list[Leak] = []
    seen: set[tuple[int, bool]] = set()
    learned = learner.value
    stack: list[tuple[Value, bool]] = [(learned, False)]
    while stack:
        value, by_score = stack.pop()
        if not value.flags & (_DATA | PRED) or (value.key, by_score) in seen:
            continue
        seen.add((value.key, by_score))
        if value.key in cut or value.key in learner.asked:
            continue
        if value.key in rows.known and summarises(value):
            continue
        if by_score and held_out is rows.claim and rows.only_in_validation(value):
            continue  # that is how one chooses
        if value.key in held_out and value.flags & _DATA and not _is_plan(value):
            if learner.asked and _of_what_is_asked(value, learner.asked):
                continue
            if held_out is rows.claim and value.key in rows.validation:
                continue
            judged = by_score or value.kind in ("cmp", "bool") or _all_compared(value)
            out.append(Leak(value, "score" if judged else "data", learned))
            continue
        if rows.only_in_training(value) and not _parameters(value.kids[0]):
            # the same rows as in the base, with other columns: how were these made?
            stack.extend((c, True) for c in _decided_by(value.kids[0], rows))
            for mixed in () if by_score else _over_all_rows(value.kids[0], rows):
                how = "new" if lib.LOADERS.search(mixed.head) else "columns"
                out.append(Leak(mixed, how, learned))
            continue
        if not is_source(value) and rows.only_tested(value):
            out.append(Leak(value, "score" if by_score else "data", learned))
            continue
        if is_source(value):
            source = source_key(value)
            if source in rows.tested_sources - rows.trained_sources or rows.only_tested(value):
                out.append(Leak(value, "score" if by_score else "data", learned))
            elif (
                source not in rows.sources | rows.tested_sources | rows.trained_sources
                and not _own_file(value, rows)
            ):
                out.append(Leak(value, "new", learned))
            continue
        stack.extend(_parts(value, by_score))
    return out


def _is_plan(value: Value) -> bool:
    """True for a splitter, such as `KFold(5)`: how rows will be parted, and no row."""
    made = value.kind == "call" and bool(lib.SPLITS.search(value.head))
    return made and not any(k.flags & _DATA for k in value.kids)


def _of_what_is_asked(value: Value, asked: frozenset[int]) -> bool:
    """True when all rows of a value are rows that the model is asked about."""
    found = list(walk(value, lambda v: v.key in asked))
    return any(v.key in asked for v in found) and not any(
        is_source(v) for v in found if v.key not in asked
    )


def _all_compared(value: Value) -> bool:
    """True for comparisons joined: `(gold == 1) & (guess == 1)`."""
    if value.kind == "op" and value.head in ("&", "|", "~"):
        return all(k.kind == "cmp" or _all_compared(k) for k in value.kids)
    return False


_AGGREGATES = {
    "mean", "std", "groupby", "transform", "rank", "median", "quantile", "fit_transform", "var",
    "value_counts", "agg", "fit", "cumsum", "expanding", "mode", "corr", "get_support", "apply",
    "fit_resample", "bfill", "factor_analysis", "qcut", "target_encode",
}  # fmt: skip


def _over_all_rows(table: Value, rows: Rows) -> list[Value]:
    """New parts of a table that mix rows before they are split."""
    out: list[Value] = []
    if table.kind == "pred" or any(k.kind == "pred" for k in table.kids):
        return out  # what a model says of all rows, cut to the ones it is trained on
    aside = {v.key for v in _decided_by(table, rows)}
    past = {k.key for v in walk(table) if _looks_back(v) for k in _receivers(v)}
    for value in walk(table, lambda v: v.key in aside):
        if value.key in rows.known or not value.flags & _DATA or value.key in aside:
            continue
        is_call = value.kind in ("method", "call", "mut", "loop")
        if is_call and value.key not in past and _mixes(value, rows):
            out.append(value)
        if value.flags & LOAD and value.kind == "call" and lib.LOADERS.search(value.head):
            out.append(value)
        asks = value.kind == "pred" and not value.flags & CARRIED and mode_of(value) != "train"
        if asks and outside_training(value, rows):
            out.append(value)
    return out[:3]


def _decided_by(table: Value, rows: Rows) -> list[Value]:
    """New scores by which one of several was chosen, in what a table was made with."""
    return [
        v.kids[0]
        for v in walk(table)
        if v.kind == "phi" and v.kids[0].flags & PRED and v.kids[0].key not in rows.known
    ]


def _mixes(value: Value, rows: Rows) -> bool:
    """True for a call whose answer for one row depends on rows outside training."""
    last = value.head.rpartition(".")[2]
    if last not in _AGGREGATES or _within_a_row(value):
        return False
    if value.kind == "method" and _looks_back(value.kids[0]):
        return False  # of a window of the past
    fits = last.startswith("fit")
    if last == "transform" and is_model(value.kids[0]):
        return False  # row by row, as it was fitted: the fit is looked at by itself
    read = [k for k in value.kids[1:] if k.kind != "kw"] if fits else list(value.kids)
    return any(outside_training(k, rows) for k in read)


_BACK = {
    "cumcount", "cumsum", "cummax", "cummin", "cumprod", "shift", "diff", "ffill", "pct_change",
    "expanding", "rolling", "ewm",
}  # fmt: skip


def _looks_back(value: Value) -> bool:
    """True for what a row is told of the rows before it: `groupby(…).cumcount()`, a lag."""
    if value.kind != "method" or value.head not in _BACK:
        return False
    steps = [n for k in value.positional[1:2] for n in literal(k)]
    if any(isinstance(n, int | float) and n < 0 for n in steps):
        return False
    centred = value.named("center")
    return centred is None or literal(centred) == (False,)


def _receivers(value: Value) -> Iterator[Value]:
    """A method and what it is called on, down to a table; and a window's own statistic."""
    yield value
    inner = value.kids[0]
    while inner.kids and (
        (inner.kind == "method" and inner.head in _BACK | {"groupby", "transform"})
        or (inner.kind == "item" and inner.kids[0].kind == "method")
    ):
        yield inner
        inner = inner.kids[0]


def _within_a_row(value: Value) -> bool:
    """True for a statistic of each row by itself: `x.mean(axis=1)`."""
    axis = value.named("axis")
    return axis is not None and literal(axis) in ((1,), (-1,), (2,))


def outside_training(value: Value, rows: Rows) -> bool:
    """True when a value is made of rows that training alone does not see."""
    return any(is_source(v) for v in beyond_training(value, rows))


def beyond_training(value: Value, rows: Rows) -> Iterator[Value]:
    """The parts of a value that tell of rows which training alone does not see.

    Rows that are picked for training tell of themselves only, until one of their columns was
    made by mixing rows before they were picked.
    """
    seen: set[tuple[int, bool]] = set()
    stack = [(value, False)]
    while stack:
        current, picked = stack.pop()
        if (current.key, picked) in seen:
            continue
        seen.add((current.key, picked))
        known = current.key in rows.known
        if known and summarises(current):
            continue
        if not picked:
            yield current
        if rows.only_in_training(current):
            stack.append((current.kids[0], True))
            continue
        mixed = picked and not known and current.head.rpartition(".")[2] in _AGGREGATES
        mixed = mixed and not _within_a_row(current)
        below = current.kids[:1] if current.kind == "split" else current.kids
        stack.extend((k, picked and not mixed) for k in reversed(below))


def _parameters(table: Value) -> bool:
    """True for weights that a loop changes: they are indexed by rows, but hold none."""
    for _ in range(60):
        if table.kind in ("carried", "set", "mut") and table.kids:
            table = table.kids[0]
        elif table.kind == "loop":
            if table.kids[0].kind in ("seq", "dict") and not table.kids[0].kids:
                break  # a list that is filled with rows
            table = table.kids[1] if table.kids[0].kind == "const" else table.kids[0]
        elif table.kind == "phi":
            table = table.kids[2] if table.kids[1].kind in ("carried", "unset") else table.kids[1]
        elif table.kind == "item" and literal(table.kids[1]) and not text_of(table.kids[1]):
            found = choice_of(table)
            if found is None:
                break
            table = found.options[0]
        else:
            break
    return not table.flags & LOAD


_NEUTRAL = {
    "transform", "transforms", "download", "num_workers", "cache", "cache_dir", "verbose", "engine",
    "low_memory", "dtype", "mmap_mode", "n_jobs", "progress",
}  # fmt: skip
"""Arguments of data sets that do not say which rows they hold."""


def is_source(value: Value) -> bool:
    """True for a read of something outside the program, not for what is made of one."""
    if not value.flags & LOAD or value.kind not in ("call", "method"):
        return False
    return not any(k.flags & LOAD for k in value.kids)


def source_key(value: Value) -> int:
    """Which rows a source holds, whatever is then done to each of them."""
    kids = tuple(
        (k.head if k.kind == "kw" else "", k.key)
        for k in value.kids
        if not (k.kind == "kw" and k.head in _NEUTRAL) and not _transforms_rows(k)
    )
    return hash((value.kind, value.head, kids))


def _transforms_rows(argument: Value) -> bool:
    """True for what a data set does to each of its rows, such as a crop."""
    inner = argument.kids[0] if argument.kind == "kw" else argument
    return inner.kind == "call" and bool(lib.TRANSFORMS_ROWS.search(inner.head))


def _own_file(value: Value, rows: Rows) -> bool:
    return any(k.key in rows.saved for v in walk(value) for k in v.kids)


def _parts(value: Value, by_score: bool) -> Iterable[tuple[Value, bool]]:
    if value.kind == "until":
        yield value.kids[0], by_score
        for kid in value.kids[1:]:
            yield kid, True
        return
    if value.kind in ("method", "mut") and value.head == "fit" and len(value.kids) > 3:
        trainer = value.kids[0]
        if trainer.kind in ("call", "mut") and "Trainer" in show(trainer, 60):
            for at, kid in enumerate(value.kids):
                yield kid, by_score or at >= 3
            return
    if value.kind == "phi":
        yield value.kids[0], True
        yield value.kids[1], by_score
        yield value.kids[2], by_score
        return
    if value.kind == "call" and value.head in _BY_KEY and value.named("key") is not None:
        for kid in value.kids:
            yield kid, by_score or (kid.kind == "kw" and kid.head == "key")
        return
    if value.kind in ("left", "cmp", "raised", "bool"):
        by_score = True
    if value.flags & METRIC and value.kind == "call":
        by_score = True
    if value.kind == "method" and value.head in ("score", "evaluate"):
        by_score = True
    for kid in value.kids:
        yield kid, by_score or (kid.kind == "kw" and _watches(kid.head))


_BY_KEY = {"min", "max", "sorted", "heapq.nlargest", "heapq.nsmallest"}


def _watches(name: str) -> bool:
    return name in _WATCHES or name.rpartition("__")[2] in _WATCHES


@dataclass(frozen=True, slots=True)
class Found:
    """A leak that the base does not have, with the rule that names it."""

    code: str
    message: str
    value: Value
    training: Value
    warn: bool = False


def new_leaks(
    base: Rows,
    base_learned: list[Learner],
    learned: list[Learner],
    own: Rows,
    judged: list[Learner],
) -> list[Found]:
    """Leaks of a candidate that its base does not have.

    Args:
        base: the rows of the base.
        base_learned: its learners.
        learned: the candidate's learners.
        own: the candidate's own rows, for files it writes and reads again.
        judged: the candidate's models behind the metric that search looks at. Only these may
            not have seen the validation rows: a final fit on all labelled rows may.
    """
    out: dict[tuple[str, int], Found] = {}
    both = replace(base, saved=own.saved | base.saved)
    for name, held_out in (("tested", base.claim), ("validation", base.select - base.claim)):
        cut = base.only_trained(held_out)
        had = {
            (leak.value.key, leak.through)
            for value in base_learned
            for leak in leaks(value, held_out, cut, both)
        }
        for value in learned if name == "tested" else judged:
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
        soft = leak.value.key in rows.select or not _carries_labels(leak.value, rows)
        watched = any(k.kind == "kw" and _watches(k.head) for k in walk(leak.training))
        message = f"what is kept depends on the score of {text}"
        code = "LK111" if watched else "LK112"
        return Found(code, message, leak.value, leak.training, warn=soft)
    if leak.through == "columns":
        parts = beyond_training(leak.value, rows)
        if any(v.key in rows.labels or _is_label(v, rows) for v in parts):
            message = f"a column is made from the labels of {name} rows: {text}"
            return Found("LK105", message, leak.value, leak.training)
        message = f"a column is made over all rows, {name} ones included: {text}"
        return Found("LK101", message, leak.value, leak.training, warn=True)
    if _transforms(leak.training) or _without_labels(leak, rows):
        message = f"a transform learns from {name} rows: {text}"
        return Found("LK101", message, leak.value, leak.training, warn=True)
    code = "LK120" if leak.value.flags & LOAD and leak.value.kind == "call" else "LK109"
    message = f"training sees {name} rows: {text}"
    soft = not _carries_labels(leak.value, rows)
    return Found(code, message, leak.value, leak.training, warn=soft)


def _carries_labels(value: Value, rows: Rows) -> bool:
    """False for what surely holds no label: other columns, and which rows there are."""
    if not rows.label_sources:
        return True
    stack, seen = [value], set[int]()
    while stack:
        current = stack.pop()
        if current.key in seen or not current.flags & _DATA:
            continue
        seen.add(current.key)
        if current.key in rows.label_sources or _is_label(current, rows):
            return True
        stack.extend(_content(current))
    return False


def _content(value: Value) -> Iterable[Value]:
    """What the rows of a value are made of: not how they were chosen or put in order."""
    if value.kind == "item" and text_of(value.kids[1]):
        return ()  # a column that is not the label
    if value.kind in ("item", "split", "folds", "method") and value.kids:
        return value.kids[:1]
    if value.kind == "set" and value.head == "item" and len(value.kids) == 3:
        return (value.kids[0], value.kids[2])
    return value.kids


def _label_sources(claim: list[Sink]) -> set[int]:
    """Keys of labels and of all that they are rows or columns of."""
    labels = labels_of(s.value for s in claim)
    out: set[int] = set()
    for sink in claim:
        for value in walk(sink.value, lambda v: v.kind == "pred" or is_model(v)):
            if value.key not in labels:
                continue
            stack = [value]
            while stack:
                current = stack.pop()
                if current.key in out or not current.flags & _DATA:
                    continue
                out.add(current.key)
                if current.kind == "item" and text_of(current.kids[1]):
                    stack.append(current.kids[0])
                else:
                    stack.extend(_content(current))
    return out


def _without_labels(leak: Leak, rows: Rows) -> bool:
    """True when what learns sees the rows' features only: it describes them, it is not told."""
    if not rows.label_names and not rows.label_columns:
        return False
    if leak.value.flags & LOAD and leak.value.kind == "call":
        return False
    parts = list(walk(leak.training, lambda v: v.kind == "pred"))
    labels = rows.labels | rows.label_columns
    return not any(v.key in labels or _is_label(v, rows) for v in parts)


def _is_label(value: Value, rows: Rows) -> bool:
    return value.key in rows.label_columns or (
        value.kind == "item" and text_of(value.kids[1]) in rows.label_names
    )


def _transforms(training: Value) -> bool:
    """True when what learns is a scaler or an encoder, not the model."""
    for value in walk(training, lambda v: v.kind == "pred"):
        if value.kind == "call" and lib.ESTIMATORS.match(value.head):
            return bool(_ONLY_TRANSFORMS.match(value.head))
        if value.kind in ("inst", "trained"):
            return False
    return False


def _show(value: Value) -> str:
    return f"`{show(value, 80)}`"


def chosen_saves(
    events: Iterable[Event], held_out: set[int], rows: Rows
) -> list[tuple[Event, Value]]:
    """Checkpoints written only when a tested score says so."""
    out: list[tuple[Event, Value]] = []
    for event in events:
        value = event.value
        saves = value.kind == "call" and SAVES.match(value.head)
        if not saves and not (value.kind == "method" and value.head in SAVE_METHODS):
            continue
        parts = [v for c in event.conditions for v in walk(c)]
        hit = next((v for v in parts if rows.only_tested(v)), None)
        hit = hit or next((v for v in parts if v.key in held_out), None)
        if hit is not None:
            out.append((event, hit))
    return out
