"""What a difference between two formulas is: the method's own business, a trick, or a question.

A difference that is a known way to a better number without a better model gets that rule; one
that is only unusual gets a warning, which leaves it to a person. Where formulas differ is found
by `compare.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from autosota.agents.code import libraries as lib
from autosota.agents.code.values import (
    DATA,
    ENV,
    LOAD,
    PRED,
    SEED,
    Value,
    literal,
    show,
    text_of,
    walk,
)
from autosota.agents.domain import Severity
from autosota.agents.supervisor.compare import (
    CHOICE,
    OPTION,
    STATISTIC,
    Difference,
    written_columns,
)
from autosota.agents.supervisor.formula import (
    columns_of,
    is_model,
    label_names,
    labels_of,
    numbers_words,
    skeleton,
    summarises,
)
from autosota.agents.supervisor.identity import COMPLETE
from autosota.agents.supervisor.leakage import (
    Rows,
    beyond_training,
    is_source,
    outside_training,
    source_key,
)

_DATA = DATA | LOAD
_BEST = {
    "max", "min", "amax", "amin", "sorted", "sort", "nanmax", "nanmin", "argmax", "argmin",
    "topk", "quantile", "percentile", "median", "maximum", "minimum", "fmax", "cummax", "nlargest",
    "heapq.nlargest",
}  # fmt: skip
_FILTERS = {
    "dropna", "query", "drop", "drop_duplicates", "filter", "truncate", "nonzero", "where",
    "isin", "notna", "masked_select", "between", "compress", "select", "extract", "delete",
}  # fmt: skip
_CUTS = {
    "head",
    "tail",
    "sample",
    "Subset",
    "take",
    "islice",
    "choice",
    "select",
    "limit",
    "narrow",
}
_RESAMPLES = {"fit_resample", "resample", "permutation", "shuffle"}
_PLAIN_NAMES = {
    "mean", "sum", "len", "append", "extend", "cat", "concatenate", "stack", "hstack", "eq",
    "accuracy_score", "size", "view", "reshape", "flatten", "ravel", "float", "int", "astype",
    "argmax", "max", "count_nonzero", "average", "equal", "tolist", "long", "type", "list",
    "concat", "vstack", "squeeze", "unsqueeze", "round", "format", "sqrt", "square",
    "mean_squared_error", "root_mean_squared_error", "abs", "mean_absolute_error", "numel",
}  # fmt: skip
_PLAIN_KINDS = {
    "loop", "carried", "elem", "comp", "seq", "const", "item", "attr", "call", "method", "op",
    "cmp", "kw", "pred", "asked", "ref", "row", "split", "mut", "written", "format", "rows",
    "param", "slice", "index", "lam", "loader", "inst", "option", "class",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a difference is: a rule, how sure, in words, and the parts it is about."""

    code: str
    message: str
    severity: Severity | None
    before: Value | None
    after: Value | None


def judge(difference: Difference, whole: Value, rows: Rows) -> Judgement | None:
    """What a difference is, by the formula of the base and its rows: what are labels of what?

    Returns None for differences that are the method's own business.
    """
    before, after, trail = difference.before, difference.after, difference.trail
    labels = Labels(frozenset(labels_of([whole])), rows)
    kind, code, message, severity = _judge(before, after, trail, labels)
    if not kind and "asked" in trail and before is not None and after is not None:
        kind, code, message, severity = _label_kept(before, after, label_names([whole]))
    if not kind:
        return None
    return Judgement(code, message, severity, before, after)


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of a formula, and which rows of them training may know."""

    keys: frozenset[int]
    rows: Rows

    def __bool__(self) -> bool:
        return bool(self.keys)

    def __contains__(self, key: object) -> bool:
        return key in self.keys


_Word = tuple[str, str, str, Severity | None]
_FINE: _Word = ("", "", "", None)
_WARN = Severity.WARNING


def _judge(
    before: Value | None, after: Value | None, trail: tuple[str, ...], labels: Labels
) -> _Word:
    if trail[-1:] == (CHOICE,):
        assert after is not None
        if _decides_by_the_test(after, labels):
            return "best", "EV204", f"the best of several is reported: {show(after, 80)}", None
        return _FINE
    if trail[-1:] == ("mode",):
        return "mode", "LK109", "the model is left in training mode while it is tested", None
    if any(t.endswith("from_pretrained") for t in trail):
        shown = (
            f"{show(before, 50) if before else 'nothing'} became {show(after, 50) if after else ''}"
        )
        return "pretrained", "PS702", f"another pretrained source: {shown}", _WARN
    if "asked" in trail:
        return _judge_asked(before, after, labels)
    if before is None or after is None:
        return _judge_argument(before, after, trail)
    if before.flags & PRED and not _touches(before, labels) and _touches(after, labels):
        flows = f"labels flow into predictions: {show(after, 80)}"
        return "labels", "OUT301", flows, _WARN if _only_written_over(after, labels) else None
    if not before.flags & (_DATA | PRED) and after.flags & PRED:
        if not _has_answer(after) or not _is_setting(before):
            pass
        elif _decides_by_the_test(after, labels):
            return "tuned", "LK114", f"tuned on what is scored: {show(after, 80)}", None
        else:
            return _FINE  # chosen on other rows
    if before.kind == after.kind == "mut" and {before.head, after.head} == {"append", "extend"}:
        message = f"what is scored is collected in another way: {show(after, 80)}"
        return "collected", "EV201", message, _WARN
    b_pred, a_pred = before.flags & PRED, after.flags & PRED
    if b_pred and not a_pred and not _has_model(after):
        return _judge_replaced(after, trail, labels.rows)
    if any(v.kind == "opaque" for v in walk(after)):
        return "opaque", "EV201", f"part of the evaluation cannot be read: {show(after, 60)}", _WARN
    if _other_answer(before, after):
        return _FINE
    if b_pred and (_beside_labels(before, labels) or before.flags & ENV or not labels):
        return _judge_core(before, after, trail)
    if b_pred or _has_model(before):
        return _judge_after_prediction(before, after, trail, labels)
    word = _judge_rows(before, after, trail)
    if word[0] and COMPLETE & set(trail):
        return (*word[:3], _WARN)  # which rows have all their values depends on the features
    if STATISTIC in trail and word[1] == "DS403" and not _touches(before, labels):
        return (*word[:3], _WARN)
    return word


def _touches(value: Value, labels: Labels, conditions: bool = True) -> bool:
    told = list(columns_of(value, told=True, conditions=conditions))
    if any(labels.rows.is_tested_label(v) for v in told):
        return True
    if not any(v.key in labels for v in told):
        return False
    own = {v.key for v in beyond_training(value, labels.rows)}
    return any(v.key in labels and v.key in own for v in told)


def _beside_labels(value: Value, labels: Labels) -> bool:
    """True when answers and labels meet in a value: it judges."""
    if value.kind == "pred":
        return False
    return any(
        _touches(v, labels)
        for v in walk(value, lambda v: v.kind == "pred" or is_model(v) or not v.flags & PRED)
        if not v.flags & PRED and not is_model(v)
    )


def _is_setting(value: Value) -> bool:
    """True for a number that stands in the code or is an option."""
    found = literal(value)
    numeric = bool(found) and isinstance(found[0], int | float) and not isinstance(found[0], bool)
    return numeric or value.kind == "option"


def _has_answer(value: Value) -> bool:
    return any(v.kind == "pred" for v in walk(value))


def _decides_by_the_test(condition: Value, labels: Labels) -> bool:
    """True when a condition looks at labels other than those for training and choosing."""
    rows = labels.rows
    return any(
        rows.is_tested_label(v)
        or (v.key in labels and not rows.only_in_validation(v) and not rows.only_in_training(v))
        for v in walk(
            condition,
            lambda v: rows.only_in_validation(v) or rows.only_in_training(v) or numbers_words(v),
        )
    )


def _only_written_over(value: Value, labels: Labels) -> bool:
    """True when labels are only in an array of which a part is asked about."""
    beside = walk(value, lambda v: v.kind == "pred" or is_model(v))
    if any(v.key in labels for v in beside if v.kind != "pred"):
        return False
    return any(
        v.kind == "set" and v.head == "item" and any(k.key in labels for k in walk(v.kids[2]))
        for v in walk(value, is_model)
    )


def _has_model(value: Value) -> bool:
    return any(is_model(v) for v in walk(value, is_model))


def _name(value: Value) -> str:
    if value.kind in ("call", "method", "mut"):
        return value.head.rpartition(".")[2]
    return value.kind


def _names(value: Value) -> set[str]:
    return {_name(v) for v in walk(value, is_model) if v.kind in ("call", "method", "mut")}


def _judge_asked(before: Value | None, after: Value | None, labels: Labels) -> _Word:
    """The rows a model is asked about differ: in their features, or in which rows they are?"""
    if after is None:
        return _FINE
    if before is None:
        if _touches(after, labels):
            return "labels", "OUT301", f"the model is given the labels: {show(after, 60)}", None
        if any(v.flags & LOAD and v.kind in ("call", "method") for v in walk(after, is_model)):
            return "more", "OUT304", f"the model is given more data: {show(after, 60)}", _WARN
        return _FINE
    if not before.flags & _DATA or _only_weights(before):
        return _FINE
    if before.flags & ENV and not before.flags & LOAD:
        mark = skeleton(before)
        if any(skeleton(v) == mark for v in walk(after)):
            return _FINE
        return "episode", "EV205", f"the episodes are played differently: {show(after, 80)}", None
    ways = ((_touches(before, labels, way), _touches(after, labels, way)) for way in (True, False))
    if any(new and not old for old, new in ways):
        return "labels", "OUT301", f"the model is given the labels: {show(after, 60)}", None
    old = {v.key for v in walk(before)}
    if before.key not in {v.key for v in walk(after, is_model)}:
        roots = [v for v in walk(before) if v.flags & _DATA]
        shared = any(v.key in old and v.flags & _DATA for v in walk(after, is_model))
        if not shared and roots:
            return "rows", "DS402", f"the model is tested on other rows: {show(after, 80)}", None
    new = [v for v in walk(after, is_model) if v.key not in old]
    loads = [v for v in new if v.flags & LOAD and v.kind in ("call", "method") and _opens(v)]
    if loads:
        return "load", "DS402", f"the tested rows come from elsewhere: {show(loads[0], 60)}", None
    if _cut_differently(before, after, labels):
        message = f"the tested rows are cut out differently: {show(after, 80)}"
        return "window", "OUT301", message, _WARN
    if any(_name(v) in _RESAMPLES | _CUTS and v.flags & _DATA for v in new):
        return "rows", "DS404", f"the tested rows are drawn again: {show(after, 80)}", _WARN
    return _FINE


def _cut_differently(before: Value, after: Value, labels: Labels) -> bool:
    """True when parts are cut out of rows that the base does not cut out in this way.

    A first element, a half, a column chosen by the training rows is the method's own, unless
    labels are cut out of the same thing: then a cut may reach into them.
    """
    known = {_cut(v) for v in walk(before) if v.kind == "slice"}
    old = {v.key for v in walk(before)}
    for value in walk(after, is_model):
        if value.kind != "item" or value.key in old or len(value.kids) != 2:
            continue
        table, index = value.kids
        parts = index.kids if index.kind == "seq" else (index,)
        cuts = [p for p in parts if p.kind == "slice"]
        if not cuts:
            continue
        beside = [p for p in parts if p.kind != "slice" and p.flags & _DATA and p.key not in old]
        if any(outside_training(p, labels.rows) for p in beside):
            return True
        new = [c for c in cuts if _cut(c) not in known and _cut(c) != _EVERYTHING]
        if any("turn" in _cut(c) for c in new):
            return True
        if new and (table.key in labels.rows.label_sources or not labels.rows.label_sources):
            return True
    return False


def _cut(part: Value) -> str:
    """How a slice cuts, whatever it is cut from."""
    return ":".join(_bound(k) for k in part.kids)


_EVERYTHING = "None:None:None"


def _bound(value: Value) -> str:
    if literal(value):
        return value.head
    if value.kind in ("elem", "index", "param"):
        return "turn"
    if value.kind in ("op", "call") and value.kids and value.head != "len":
        return f"{value.head}({','.join(_bound(k) for k in value.kids)})"
    return "size"


def _only_weights(value: Value) -> bool:
    """True for parameters that a network is given beside the rows: `apply(params, x)`."""
    parts = [v for v in walk(value, is_model) if v.flags & _DATA and v.kind != "dict"]
    return bool(parts) and all(is_model(v) for v in parts)


def _label_kept(before: Value, after: Value, names: set[str]) -> _Word:
    """The label was dropped from the features, or was not among them, and now is."""
    dropped = [{t for t in _columns(x, "drop")} & names for x in (before, after)]
    chosen = [{t for t in _columns(x, "item")} & names for x in (before, after)]
    if dropped[0] - dropped[1] or chosen[1] - chosen[0]:
        return "label", "LK118", f"the label stays among the features: {show(after, 60)}", None
    kept = set(_columns(before, "drop")) - set(_columns(after, "drop"))
    if kept and set(_columns(after, "drop")):
        message = f"columns that were dropped are kept: {', '.join(sorted(kept))[:80]}"
        return "column", "LK118", message, _WARN
    return _FINE


def _columns(value: Value, how: str) -> Iterator[str]:
    for part in walk(value, is_model):
        if (
            how == "drop"
            and part.kind in ("method", "mut", "del")
            and (part.head in ("drop", "pop") or part.kind == "del")
        ):
            yield from (t for k in part.kids[1:] for v in walk(k) if (t := text_of(v)))
        elif how == "item" and part.kind == "item" and part.kids[1].kind == "seq":
            named = walk(part.kids[1], lambda v: v.kind not in ("seq", "op"))
            yield from (t for v in named if (t := text_of(v)))


_PARSES = re.compile(r"(^|\.)(loads|reader|DictReader)$")


def _opens(value: Value) -> bool:
    """True for a read by a path; what parses a text that was read elsewhere is none."""
    return _reads(value) and not _PARSES.search(value.head)


def _reads(value: Value) -> bool:
    return bool(lib.LOADERS.search(value.head)) or value.head in lib.LOAD_METHODS


def _judge_argument(before: Value | None, after: Value | None, trail: tuple[str, ...]) -> _Word:
    """An argument that one of two equal calls lacks."""
    present = before if before is not None else after
    assert present is not None
    verb = "removed from" if after is None else "added to"
    where = next((t for t in reversed(trail) if not t.endswith("=")), "")
    name = trail[-1].rstrip("=") if trail and trail[-1].endswith("=") else show(present, 40)
    message = f"`{name}` {verb} `{where}`, which the reported metric depends on"
    if lib.METRICS.search(where) or "average" in name:
        return "argument", "EV203" if text_of(present) else "EV202", message, None
    if lib.SPLITS.search(where) or where in ("train", "test", "folds"):
        return "argument", "DS405", message, None
    if where == "loader":
        return "argument", "EV205", message, None
    if name in ("transform", "dtype", "download", "num_workers", "n_jobs", "verbose"):
        return "argument", "EV201", message, _WARN
    return "argument", "EV201", message, None if present.kind == "const" else _WARN


def _judge_replaced(after: Value, trail: tuple[str, ...], rows: Rows) -> _Word:
    known = rows.sources | rows.trained_sources | rows.tested_sources
    read = [v for v in walk(after) if v.flags & LOAD and v.kind in ("call", "method") and _reads(v)]
    among_others = OPTION in trail and after.flags & _DATA
    if any(source_key(v) not in known for v in read) or (read and not among_others):
        return "loaded", "OUT304", f"predictions are read, not made: {show(after, 80)}", None
    if after.kind == "const" or not after.flags & _DATA:
        if any(v.kind == "seq" and len(v.kids) > 3 for v in walk(after)):
            return "typed", "OUT302", f"predictions are written by hand: {show(after, 80)}", None
        return (
            "typed",
            "EV213",
            f"the score is not computed from predictions: {show(after, 80)}",
            None,
        )
    message = f"the score does not come from predictions: {show(after, 80)}"
    return "other", "EV214", message, _WARN if among_others else None


def _other_answer(before: Value, after: Value) -> bool:
    """True when one model's answer became another model's, put into the form of the first.

    A score of the opposite sign, a logit made a probability: the same rows are asked about, and
    nothing else takes part.
    """
    if before.kind != "pred":
        return False
    asked = [v for v in walk(after, is_model) if v.kind == "pred"]
    if not asked or any(skeleton(v.kids[1]) != skeleton(before.kids[1]) for v in asked):
        return False
    if any(v.kids[0].key == before.kids[0].key or _kin(v, before) for v in asked):
        return False
    return all(
        v.kind in ("op", "call", "method", "const", "kw", "pred", "item")
        and (v.kind not in ("call", "method") or _name(v) in _VALUE_WISE)
        for v in walk(after, lambda v: v.kind == "pred")
    )


def _kin(one: Value, other: Value) -> bool:
    """True for two states of one model."""
    return one.kids[0].kind == other.kids[0].kind and one.kids[0].head == other.kids[0].head


def _judge_core(before: Value, after: Value, trail: tuple[str, ...]) -> _Word:
    """The metric itself: predictions against labels."""
    old, new = _names(before), _names(after)
    mark = skeleton(before)
    inside = any(skeleton(v) == mark for v in walk(after, is_model) if v.flags & PRED)
    gained = new - old
    best = {_name(v) for v in walk(after, is_model) if v.flags & PRED} & gained & _BEST
    jumps = {v.key for v in walk(before) if v.kind == "left"}
    if any(v.kind == "left" and v.key not in jumps for v in walk(after, is_model)):
        return "jump", "EV205", f"samples are skipped in the evaluation: {show(after, 80)}", None
    if gained & {"topk", "argsort", "argpartition"}:
        return "k", "EV202", f"predictions are judged differently: {show(after, 80)}", None
    if (best and (inside or _shares(before, after))) or (after.kind == "phi" and inside):
        code = "EV204"
        return "best", code, f"the best of several is reported: {show(after, 80)}", None
    if after.kind == "loop" and before.kind != "loop" and inside:
        return "best", "EV204", f"the score is collected over turns: {show(after, 80)}", None
    if inside:
        return "wrapped", "EV201", f"the score is altered: {show(after, 80)}", None
    if before.kind == after.kind == "call" and lib.METRICS.search(before.head + after.head):
        return "metric", "EV203", f"`{before.head}` became `{after.head}`", None
    filtered = gained & (_FILTERS | _CUTS)
    if filtered:
        return "rows", "EV205", f"rows are left out of the score: {show(after, 80)}", None
    if any(v.kind == "raised" for v in walk(after)) and not any(
        v.kind == "raised" for v in walk(before)
    ):
        return "raised", "EV206", f"failed samples are left out: {show(after, 80)}", Severity.ERROR
    if _plain(before) and _plain(after) and _equal_ingredients(before, after):
        message = f"the score is computed in another way: {show(after, 80)}"
        return "rewritten", "EV201", message, _WARN
    shown = f"the metric is computed differently: {show(after, 80)}"
    return "core", "EV201", shown, None if _edited(before, after) else _WARN


def _edited(before: Value, after: Value) -> bool:
    """True when one step of a computation was exchanged or left out, and the rest is as it was.

    Then it is another metric. A formula that is written anew may be the same one.
    """
    old, new = ({skeleton(k) for k in v.kids} for v in (before, after))
    if old & new:
        return True
    inner = {skeleton(k) for v in before.kids for k in v.kids if k.flags & PRED}
    return bool(inner & new) or bool(old & {skeleton(k) for v in after.kids for k in v.kids})


def _shares(before: Value, after: Value) -> bool:
    keys = {skeleton(v) for v in walk(before, is_model) if v.flags & PRED}
    return any(skeleton(v) in keys for v in walk(after, is_model) if v.flags & PRED)


def _plain(value: Value) -> bool:
    """Only operations that the same metric may be written with in another way."""
    for v in walk(value, is_model):
        if v.kind not in _PLAIN_KINDS:
            return False
        if v.kind in ("call", "method", "mut") and v.flags & PRED and _name(v) not in _PLAIN_NAMES:
            return False
        if v.kind == "op" and v.flags & PRED and v.head not in ("+", "/", "==", "-", "**"):
            return False
    return True


def _equal_ingredients(before: Value, after: Value) -> bool:
    """The same rows, the same labels, and no new numbers."""

    def numbers(value: Value) -> set[str]:
        found = [v for v in walk(value, lambda v: v.kind == "pred" or not v.flags & PRED)]
        return {v.head for v in found if v.kind == "const" and v.head not in _NEUTRAL}

    return numbers(before) == numbers(after) and _rows_of(before) == _rows_of(after)


_NEUTRAL = {"0", "1", "0.0", "1.0", "-1", "None", "True"}


def _rows_of(value: Value) -> set[int]:
    """Where the rows come from: data that is not made of other data."""
    out: set[int] = set()
    for v in walk(value, is_model):
        if (
            (v.flags & _DATA and not any(k.flags & _DATA for k in v.kids))
            or v.kind == "split"
            or (v.kind == "item" and v.kids[1].kind in ("slice", "const") and v.flags & _DATA)
        ):
            out.add(v.key)
    return out


_VALUE_WISE = {
    "exp", "expm1", "log", "log1p", "sqrt", "square", "clip", "maximum", "minimum", "where", "abs",
    "round", "rint", "astype", "ravel", "reshape", "flatten", "squeeze", "sigmoid", "softmax",
    "tanh",
    "inverse_transform", "nan_to_num", "sinh", "arcsinh", "power", "float", "double", "view", "pow",
    "to_numpy", "log_softmax", "relu", "softplus", "expit", "logit", "log2", "log10", "exp2",
    "unsqueeze",
}  # fmt: skip


def _only_reshaped(before: Value, after: Value) -> bool:
    """True when each answer is mapped to another by itself: clipping, undoing a logarithm."""
    for part in (before, after):
        for v in walk(part, lambda v: v.kind == "pred" or is_model(v) or not v.flags & PRED):
            if v.kind in ("call", "method") and v.flags & PRED and _name(v) not in _VALUE_WISE:
                return False
            if v.kind not in ("call", "method", "op", "pred", "const", "kw", "item", "attr") and (
                v.flags & PRED
            ):
                return False
            if v.kind == "pred" or not v.flags & PRED:
                continue
            others = [k for k in v.kids if not k.flags & PRED and k.flags & _DATA]
            if any(not summarises(k) and not is_model(k) for k in others):
                return False
    asked = [
        {skeleton(v) for v in walk(part, is_model) if v.kind == "pred"} for part in (before, after)
    ]
    loads = [{source_key(v) for v in walk(part) if is_source(v)} for part in (before, after)]
    return asked[0] == asked[1] and loads[1] <= loads[0]


def _judge_after_prediction(
    before: Value, after: Value, trail: tuple[str, ...], labels: Labels
) -> _Word:
    """Between the model's answer and the metric, where no label is in sight."""
    known = {v.key for v in walk(before)}
    fresh = (v for v in walk(after, is_model) if v.key not in known)
    looked_up = next((v for v in fresh if labels.rows.only_tested(v)), None)
    if looked_up is not None:
        message = f"predictions are told by what is tested: {show(looked_up, 80)}"
        return "labels", "OUT301", message, None
    asks = [sum(v.kind == "pred" for v in walk(x, is_model)) for x in (before, after)]
    many = [any(v.kind == "comp" and v.flags & PRED for v in walk(x)) for x in (before, after)]
    if asks[1] > asks[0] or many[1] > many[0] or "stack" in _names(after) - _names(before):
        about = [
            {skeleton(v.kids[1]) for v in walk(x, is_model) if v.kind == "pred"}
            for x in (before, after)
        ]
        if about[0] and about[1] <= about[0]:
            message = f"several models answer for one: {show(after, 80)}"
            return "ensemble", "TO603", message, None
        return "more", "TO603", f"more computation per prediction: {show(after, 80)}", None
    numbers = any(t in ("topk", "argsort", "argpartition") for t in trail)
    constants = literal(before) and literal(after)
    if constants and (numbers or any(lib.METRICS.search(t) for t in trail)):
        return "k", "EV202", f"{before.head} became {after.head} where predictions are judged", None
    if labels and _only_reshaped(before, after):
        return _FINE
    if {"topk", "argsort", "argpartition"} & (_names(after) ^ _names(before)):
        return "k", "EV202", f"predictions are judged differently: {show(after, 80)}", None
    return "after", "EV201", f"predictions are processed differently: {show(after, 80)}", _WARN


def _judge_rows(before: Value, after: Value, trail: tuple[str, ...]) -> _Word:
    """Labels, splits, tested rows and plain numbers of the formula."""
    where = [t for t in trail if t]
    shown = f"{show(before, 50)} became {show(after, 50)}"
    if any(lib.METRICS.search(t) for t in where[_inner_split(where) :]):
        texts = text_of(before) or text_of(after)
        if not (before.flags | after.flags) & _DATA:
            return "parameter", "EV203" if texts else "EV202", f"in the metric, {shown}", None
    in_split = any(t in _PARTS or lib.SPLITS.search(t) for t in where)
    if in_split and not (before.flags & _DATA and after.flags & _DATA):
        return "split", "DS405", f"in the split, {shown}", None
    splits = {v.key for v in walk(before) if _is_split(v)}
    if splits and not any(_is_split(v) for v in walk(after)):
        return "split", "DS405", f"the tested rows are chosen differently: {shown}", None
    if (before.flags | after.flags) & PRED or after.flags & PRED:
        return "labels", "DS403", f"predictions flow into the labels: {shown}", None
    if before.flags & _DATA or after.flags & _DATA:
        return _judge_data(before, after, trail, shown)
    if "option" in (before.kind, after.kind):
        if before.flags & SEED and after.kind == "const":
            return "seed", "SEL501", f"the seed is pinned: {shown}", None
        return "option", "EV211", f"a setting of the evaluation: {shown}", None
    if any(t in ("slice", "range", "Subset") for t in where):
        return "slice", "EV205", f"which rows are tested: {shown}", None
    if before.kind == "const" and where[-1:] in (["join"], ["replace"], ["strip"]):
        return "text", "EV201", f"how answers are put into words: {shown}", _WARN
    if before.kind == "const" and where[-1:] == ["format"]:
        return "format", "EV201", f"how the score is printed: {shown}", _WARN
    if before.kind == after.kind == "seq" and where[-1:] == ["item"]:
        named = all(text_of(k) for k in (*before.kids, *after.kids))
        return "columns", "EV201", f"other columns are read: {shown}", _WARN if named else None
    code = "EV202" if literal(before) and literal(after) else "EV201"
    return "number", code, f"the reported metric depends on it: {shown}", None


def _inner_split(where: list[str]) -> int:
    """Where the innermost split of a trail is: a metric around it says nothing of its inside."""
    return max((n for n, t in enumerate(where) if t in _PARTS or lib.SPLITS.search(t)), default=0)


_PARTS = ("train", "test", "folds")


def _is_split(value: Value) -> bool:
    return value.kind in ("split", "folds") or bool(lib.SPLITS.search(value.head))


def _judge_data(before: Value, after: Value, trail: tuple[str, ...], shown: str) -> _Word:
    names = _names(after) - _names(before)
    inside = any(v.key == before.key for v in walk(after))
    conditions = [{v.key for v in walk(x, is_model) if v.kind == "if"} for x in (before, after)]
    if len(conditions[1]) > len(conditions[0]):
        return "filter", "DS402", f"tested rows are filtered: {shown}", None
    if before.kind == "loop" or (before.kind == "call" and before.head == "len"):
        # a count that is written anew, without the loop, may be the same one
        same = before.kind == "loop" and after.flags & _DATA and not inside
        same = (same and _rows_of(after) <= _rows_of(before)) or _over_all(after)
        word = f"what the score is divided by: {shown}"
        return "count", "EV201", word, _WARN if same else None
    loaders = [
        [k.head for v in walk(x) if v.kind == "loader" for k in v.kids[1:]] for x in (before, after)
    ]
    if loaders[0] != loaders[1]:
        return "loader", "EV205", f"which rows are tested: {shown}", None
    if _features_added(before, after):
        return _FINE
    if _only_columns_added(before, after):
        return "columns", "DS403", f"columns are made over all tested rows: {shown}", _WARN
    if names & _CUTS:
        return "cut", "EV205", f"the evaluation set is cut: {shown}", None
    if names & _FILTERS:
        return "filter", "DS402", f"tested rows are filtered: {shown}", None
    if names & _RESAMPLES:
        return "resample", "DS404", f"tested rows are drawn again: {shown}", None
    if inside and after.kind == "item":
        index = after.kids[1] if len(after.kids) > 1 else after
        code = "EV205" if index.kind == "slice" else "DS402"
        return "item", code, f"the evaluation set is cut: {shown}", None
    if after.kind in ("set", "mut") and inside:
        return "rewritten", "DS403", f"labels or tested rows are rewritten: {shown}", None
    if inside:
        return "relabelled", "DS403", f"labels or tested rows are changed: {shown}", None
    if before.kind == "call" and after.kind == "call" and lib.LOADERS.search(after.head):
        return "load", "DS402", f"other data is tested: {shown}", None
    if before.kind == "item" and after.kind == "item":
        return "item", "EV205", f"which rows are tested: {shown}", None
    if _rows_of(before) != _rows_of(after):
        return "rows", "DS402", f"other rows are tested: {shown}", None
    return "data", "DS403", f"labels or tested rows are made differently: {shown}", _WARN


def _over_all(turns: Value) -> bool:
    """True for `range(len(rows))` and `range(0, len(rows), size)`: all rows, in batches."""
    if turns.kind != "call" or turns.head != "range" or len(turns.kids) not in (1, 2, 3):
        return False
    start, stop = (turns.kids[0], turns.kids[1]) if len(turns.kids) > 1 else (None, turns.kids[0])
    whole = stop.kind == "call" and stop.head == "len"
    return whole and (start is None or literal(start) == (0,))


def _only_columns_added(before: Value, after: Value) -> bool:
    """True when columns with new names were written, and what was there is as it was."""
    (root, old), (other, new) = written_columns(before), written_columns(after)
    read = {text_of(v) for v in walk(before) if v.kind == "const"}
    return (
        root.key == other.key
        and bool(new.keys() - old.keys())
        and not (new.keys() - old.keys()) & read
        and all(name in new and new[name].key == value.key for name, value in old.items())
    )


def _features_added(before: Value, after: Value) -> bool:
    """Only columns with new names were written to a table, each from its own rows."""
    (root, old), (other, new) = written_columns(before), written_columns(after)
    if root.key != other.key or old.keys() - new.keys():
        return False
    read = {text_of(v) for v in walk(before) if v.kind == "const"}
    for name, value in new.items():
        if name in old:
            if old[name].key != value.key:
                return False
        elif name in read or value.flags & PRED or _names(value) & _AGGREGATES:
            return False
    return True


_AGGREGATES = {
    "mean", "std", "groupby", "transform", "rank", "median", "quantile", "fit_transform", "var",
    "target", "value_counts", "max", "min", "cumsum", "shift", "agg", "map",
}  # fmt: skip
