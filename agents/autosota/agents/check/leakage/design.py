"""LK115 to 118: splits and features that do not fit the data.

Groups and time that a random split parts, values of the future, and the label among the features.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from autosota.agents.check import ir
from autosota.agents.check.facts import CallFact, Facts, FileRule
from autosota.agents.check.flow import position
from autosota.agents.check.leakage.common import FITS, SPLITS, called
from autosota.agents.check.values import Event, Part, Value
from autosota.agents.domain import Finding

_ENTITY = re.compile(
    r"^(?:patient|subject|user|person|customer|client|speaker|session|student|device|household"
    r"|group|participant|animal|subj|pid|case|author|driver|machine|store|recording|scene|video)"
    r"s?(?:_?(?:id|no|nr|num|number|key|name))?$",
    re.I,
)
_DATES = re.compile(r"date|time|timestamp|day|month|year|week|hour|datetime", re.I)
_GROUPED = (b"GroupKFold", b"GroupShuffleSplit", b"LeaveOneGroupOut", b"StratifiedGroupKFold",
            b"LeavePGroupsOut", b"groups=")  # fmt: skip
_ORDERED = (b"TimeSeriesSplit", b"shuffle=False", b"temporal_train_test_split")
_RANDOM_FOLDS = ("KFold", "StratifiedKFold", "ShuffleSplit", "StratifiedShuffleSplit",
                 "RepeatedKFold", "RepeatedStratifiedKFold")  # fmt: skip


def _whole(facts: Facts) -> bytes:
    return facts.document.text


def _splits(facts: Facts, shuffled: bool) -> Iterator[tuple[ir.Expr, frozenset[Part]]]:
    """Random splits and cross-validations, with the rows they part."""
    for event in facts.flow.events:
        if event.kind not in ("split", "cross") or not event.data:
            continue
        if event.kind == "split":
            keywords = event.node.keywords if isinstance(event.node, ir.Call) else ()
            for key, value in keywords:
                if key == "shuffle" and isinstance(value, ir.Const) and value.value is False:
                    break
            else:
                last = event.name.rsplit(".", 2)
                kind = last[-2] if last[-1] == "split" and len(last) > 1 else last[-1]
                if kind == "train_test_split" or kind in _RANDOM_FOLDS or kind == "random_split":
                    yield event.node, _rows(event)
        elif not shuffled or _shuffled_folds(facts, event):
            yield event.node, _rows(event)


def _rows(event: Event) -> frozenset[Part]:
    return frozenset().union(*(v.rows for v in event.data))


def _shuffled_folds(facts: Facts, event: Event) -> bool:
    if not isinstance(event.node, ir.Call):
        return False
    cv = event.node.keyword("cv")
    if cv is None:
        return False
    return any(
        o.kind.rsplit(".", 1)[-1] in _RANDOM_FOLDS
        and ("ShuffleSplit" in o.kind or o.option("shuffle").const is True)
        for o in facts.value(cv).objs
    )


def _roots(parts: frozenset[Part]) -> set[Part]:
    return {p.root for p in parts}


def groups(facts: Facts) -> Iterator[Finding]:
    """LK115: rows of one entity on both sides."""
    found: list[tuple[CallFact, str]] = []
    for call in facts.calls_of(".groupby"):
        key = call.argument(0, "by").const
        if isinstance(key, str) and _ENTITY.match(key):
            found.append((call, key))
    if not found or any(word in _whole(facts) for word in _GROUPED):
        return
    for node, rows in _splits(facts, shuffled=False):
        for call, key in found:
            if position_of(call.node) > position_of(node):
                continue
            if _roots(rows) & _roots(call.receiver.rows) and not _reduced(facts, call, rows):
                yield facts.finding(
                    "LK115", node,
                    f"rows of one `{key}` fall on both sides of this random split: what is learned "
                    "of an entity is tested on that same entity",
                    [(call.node, f"several rows per `{key}`")],
                )  # fmt: skip
                return


def position_of(node: ir.Node) -> int:
    """Byte of the virtual text at which a node starts."""
    return node.unit.offset + node.start


def _reduced(facts: Facts, call: CallFact, rows: frozenset[Part]) -> bool:
    """Whether what is split was made by one row per group of this call."""
    for part in rows:
        for step in part.path():
            if isinstance(step.node, ir.Call) and step.kind == "filter":
                inner = [step.node, *ir.expressions(step.node)]
                if any(e is call.node for e in inner):
                    return True
    return False


def shuffled_time(facts: Facts) -> Iterator[Finding]:
    """LK116: a shuffled split of a series with lags."""
    if any(word in _whole(facts) for word in _ORDERED):
        return
    lags = [
        c for c in facts.calls_of(".shift", ".rolling", ".diff", ".pct_change") if c.receiver.rows
    ]
    if not lags or not _dated(facts):
        return
    for node, rows in _splits(facts, shuffled=True):
        for call in lags:
            if _roots(rows) & _roots(call.receiver.rows) and position_of(call.node) < position_of(
                node
            ):
                yield facts.finding(
                    "LK116", node,
                    "rows of a time series are shuffled into training and test: the model is "
                    "tested on moments between those it was trained on",
                    [(call.node, "a row holds values of its neighbours in time")],
                )  # fmt: skip
                return


def _dated(facts: Facts) -> bool:
    if facts.calls_of("to_datetime", "resample", "date_range"):
        return True
    for call in facts.calls_of("sort_values", "set_index"):
        words = [*call.args, *call.keywords.values()]
        if any(isinstance(v.const, str) and _DATES.search(v.const) for v in words):
            return True
        for v in words:
            if any(isinstance(e.const, str) and _DATES.search(e.const) for e in v.elts or ()):
                return True
    return bool(facts.flow.calls_with("parse_dates"))


def look_ahead(facts: Facts) -> Iterator[Finding]:
    """LK117: a feature made of later rows."""
    done: set[ir.Expr] = set()
    for event in facts.flow.events:
        if event.kind not in ("fit", "cross") or len(event.data) < 2:
            continue
        x, y = event.data[0], event.data[1]
        labels = {m[7:] for m in y.marks if m.startswith("column:")}
        for entry in x.fields:
            if "future" not in entry.value.marks or entry.key in labels or not y.rows:
                continue
            if f"without:{entry.key}" in x.marks or "without:?" in x.marks:
                continue
            made = _made(facts, str(entry.key))
            if made is None or made in done:
                continue
            done.add(made)
            yield facts.finding(
                "LK117", made,
                f"column `{entry.key}` holds values of later rows and is among the features: at "
                "prediction time they are not known",
                [(event, "trained with it")],
            )  # fmt: skip


def _made(facts: Facts, key: str) -> ir.Expr | None:
    wanted = (f"['{key}']", f'["{key}"]')
    for call in facts.calls_of(".shift", ".rolling"):
        if any(t.endswith(wanted) or t.endswith(f".{key}") for t in call.targets):
            return call.node
    return None


def label_inside(facts: Facts) -> Iterator[Finding]:
    """LK118: the label column is still among the features."""
    done: set[tuple[str, ir.Expr]] = set()
    for event in sorted(facts.flow.events, key=position):
        if event.kind not in ("fit", "cross") or len(event.data) < 2:
            continue
        x, y = event.data[0], event.data[1]
        for label in sorted(m[7:] for m in y.marks if m.startswith("column:")):
            if not _holds(x, label) or not _roots(x.rows) & _roots(y.rows):
                continue
            where = _source(facts, event)
            if (label, where) in done:
                continue
            done.add((label, where))
            yield facts.finding(
                "LK118", where,
                f"the label `{label}` is still a column of {called(x, 'the features')}: the model "
                "reads the answer",
                [(event, "trained here")] if where is not event.node else [],
            )  # fmt: skip


def _holds(x: Value, label: str) -> bool:
    marks = x.marks
    if "table" not in marks or "without:?" in marks or f"without:{label}" in marks:
        return f"only:{label}" in marks and "without:?" not in marks
    only = [m for m in marks if m.startswith("only:")]
    return not only or f"only:{label}" in marks


def _source(facts: Facts, event: Event) -> ir.Expr:
    """The assignment that made the features, else the fit."""
    node = event.node
    if isinstance(node, ir.Call) and node.args:
        at = 1 if event.kind == "cross" else 0
        arg = node.args[at] if at < len(node.args) else node.args[0]
        if isinstance(arg, ir.Name):
            made = None
            for stmt, _ in facts.walk():
                if position_of(stmt) > position_of(node):
                    break
                if isinstance(stmt, ir.Assign) and stmt.value is not None:
                    names = [
                        n for t in stmt.targets
                        for n in (t.elts if isinstance(t, ir.Sequence) else (t,))
                    ]  # fmt: skip
                    if any(isinstance(n, ir.Name) and n.id == arg.id for n in names):
                        made = stmt.value
            if made is not None and not _is_split(made):
                return made
            if isinstance(made, ir.Call):
                for inner in made.args:
                    if isinstance(inner, ir.Name):
                        value = _last(facts, inner.id, position_of(made))
                        if value is not None:
                            return value
                        break
    return node


def _last(facts: Facts, name: str, before: int) -> ir.Expr | None:
    found = None
    for stmt, _ in facts.walk():
        if position_of(stmt) >= before:
            break
        if isinstance(stmt, ir.Assign) and stmt.value is not None:
            for target in stmt.targets:
                if isinstance(target, ir.Name) and target.id == name:
                    found = stmt.value
    return found


def _is_split(expr: ir.Expr) -> bool:
    return (
        isinstance(expr, ir.Call)
        and isinstance(expr.func, ir.Name | ir.Attribute)
        and (
            (expr.func.id if isinstance(expr.func, ir.Name) else expr.func.attr)
            == "train_test_split"
        )
    )


RULES = (
    FileRule("LK115", groups, ((b"groupby",), SPLITS)),
    FileRule(
        "LK116", shuffled_time, (SPLITS, (b".shift(", b".rolling(", b".diff(", b".pct_change("))
    ),
    FileRule("LK117", look_ahead, (FITS, (b".shift(", b"center"))),
    FileRule("LK118", label_inside, (FITS, (b"pandas", b"polars"))),
)
