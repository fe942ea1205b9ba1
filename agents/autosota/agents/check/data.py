"""DS rules that one file shows: tested rows that are dropped, relabelled or resampled."""

from __future__ import annotations

from collections.abc import Iterator

from autosota.agents.check import hints, ir
from autosota.agents.check.facts import TESTED, Facts, FileRule
from autosota.agents.check.index import (
    Bound,
    Index,
    Survey,
    dotted,
    inside,
    last,
    names_in,
    root,
    source,
    variables_in,
)
from autosota.agents.domain import Finding, Severity

_DROPS = {"dropna", "drop_duplicates", "query", "filter"}
_CONDITIONS = {
    "isin",
    "notnull",
    "notna",
    "between",
    "isfinite",
    "isnan",
    "contains",
    "duplicated",
    "startswith",
}
_SCORES = {"evaluate", "score", "predict", "predict_proba", "test"}


# ------------------------------------------------------------------------------------- DS402
def dropped(facts: Facts) -> Iterator[Finding]:
    """Rows are removed from the test set by a condition, `dropna` or a limit."""
    told: set[str] = set()
    for name, bound in facts.index.each(_of_test, "bound"):
        how = _removes(bound.value, name, facts)
        if how and name not in told:
            told.add(name)
            yield _dropped(facts, bound.stmt, name, how)
    for call in facts.index.calls_of("dropna", "drop_duplicates", "query"):
        func = call.node.func
        if not isinstance(func, ir.Attribute) or not hints.is_test(dotted(func.value)):
            continue
        if _true(call.node.keyword("inplace")):
            name = dotted(func.value)
            if not _columns(call.node) and name not in told:
                told.add(name)
                yield _dropped(facts, call.node, name, f"`{func.attr}`")


def _of_test(idx: Index, survey: Survey) -> Iterator[tuple[str, Bound]]:
    """Names of tested rows, and where they are given rows."""
    for bound in survey.bound:
        given = isinstance(bound.value, ir.Call | ir.Subscript) and not bound.op
        if given and hints.is_test(bound.name):
            yield bound.name, bound


def _dropped(facts: Facts, node: ir.Node, name: str, how: str) -> Finding:
    scored = _is_scored(facts, name, node)
    return facts.finding(
        "DS402",
        node,
        f"{how} removes rows from `{name}`: what is left is another, usually easier, test",
        severity=None if scored else Severity.WARNING,
    )


def _is_scored(facts: Facts, name: str, after: ir.Node) -> bool:
    """Whether rows of this name are scored or predicted after a place."""
    at = after.unit.offset + after.start
    for call in facts.index.calls:
        if call.node.unit.offset + call.node.start <= at:
            continue
        uses = {n for a in call.node.args for n in variables_in(a)}
        if name.split(".")[0] in uses and (
            call.method in _SCORES
            or call.name.startswith("sklearn.metrics.")
            or hints.is_metric(call.method)
        ):
            return True
    return False


def _removes(value: ir.Expr | None, name: str, facts: Facts) -> str:
    """How an expression removes rows of `name` from it, or ''."""
    while True:
        if isinstance(value, ir.Call) and isinstance(value.func, ir.Attribute):
            func = value.func
            if func.attr in _DROPS and dotted_base(func.value) == name:
                if _columns(value) or (func.attr == "filter" and not isinstance_lambda(value)):
                    return ""
                return f"`{func.attr}`"
            if func.attr == "drop" and dotted_base(func.value) == name:
                return "`drop` of rows" if _drops_rows(value) else ""
            if func.attr in ("reset_index", "copy", "astype", "head", "to_numpy"):
                value = func.value
                continue
            return ""
        if isinstance(value, ir.Subscript):
            base = value.value
            if isinstance(base, ir.Attribute) and base.attr in ("loc", "iloc"):
                base = base.value
            if dotted(base) != name:
                return ""
            where = value.index
            if isinstance(where, ir.Sequence) and where.kind == "tuple" and where.elts:
                where = where.elts[0]
            return "a condition" if _condition(where, facts, 0) else ""
        return ""


def dotted_base(expr: ir.Expr) -> str:
    """The table at the start of a chain of calls: `test` of `test.dropna().reset_index()`."""
    while isinstance(expr, ir.Call) and isinstance(expr.func, ir.Attribute):
        expr = expr.func.value
    return dotted(expr)


def isinstance_lambda(call: ir.Call) -> bool:
    """Whether a call is given a function: `datasets`' filter of rows, not pandas' of columns."""
    return bool(call.args) and isinstance(call.args[0], ir.Lambda | ir.Name)


def _condition(expr: ir.Expr, facts: Facts, depth: int) -> bool:
    """Whether an index selects rows by a condition."""
    if isinstance(expr, ir.Compare):
        return True
    if isinstance(expr, ir.Unary) and expr.op in ("~", "not"):
        return True
    if isinstance(expr, ir.Binary) and expr.op in ("&", "|"):
        return True
    if isinstance(expr, ir.Call):
        return last(expr.func) in _CONDITIONS
    if isinstance(expr, ir.Name) and depth < 2:
        bounds = facts.index.bound_to(expr.id)
        return (
            len(bounds) == 1
            and bounds[0].value is not None
            and _condition(bounds[0].value, facts, depth + 1)
        )
    return False


def _true(expr: ir.Expr | None) -> bool:
    return isinstance(expr, ir.Const) and expr.value is True


def _columns(call: ir.Call) -> bool:
    """Whether a drop is of columns."""
    axis = call.keyword("axis")
    return (isinstance(axis, ir.Const) and axis.value in (1, "columns")) or call.keyword(
        "columns"
    ) is not None


def _drops_rows(call: ir.Call) -> bool:
    if _columns(call):
        return False
    if call.keyword("index") is not None:
        return True
    first = call.args[0] if call.args else None
    if len(call.args) > 1 and isinstance(call.args[1], ir.Const) and call.args[1].value == 1:
        return False
    return first is not None and any(
        isinstance(e, ir.Attribute) and e.attr == "index" for e in inside(first)
    )


# ------------------------------------------------------------------------------------- DS403
def relabelled(facts: Facts) -> Iterator[Finding]:
    """Labels of tested rows are overwritten for some rows, or by predictions."""
    if hints.is_a_test_file(facts.path):
        return
    for bound in facts.index.each(_overwritten, "bound")[:1]:
        yield facts.finding(
            "DS403",
            bound.stmt,
            f"labels of tested rows are overwritten (`{facts.text(bound.target)}`): the answers "
            "follow the model, not the other way round",
        )


def _overwritten(idx: Index, survey: Survey) -> Iterator[Bound]:
    for bound in survey.bound:
        target, value = bound.target, bound.value
        if value is None or not isinstance(target, ir.Subscript):
            if value is not None and not bound.op and _by_prediction(bound):
                yield bound
            continue
        base, where = target.value, target.index
        if isinstance(base, ir.Attribute) and base.attr in ("loc", "iloc", "at"):
            if not isinstance(where, ir.Sequence) or len(where.elts) != 2:
                continue
            rows, column = where.elts
            key = column.value if isinstance(column, ir.Const) else ""
            if not (hints.is_test(dotted(base.value)) and isinstance(key, str)):
                continue
            if not hints.is_label(key):
                continue
        elif isinstance(base, ir.Name) and hints.is_test(base.id) and hints.is_label(base.id):
            rows = where
        else:
            continue
        if source(target) in source(value):
            continue  # its own values in another form
        column_only = isinstance(rows, ir.Const) and isinstance(rows.value, str)
        if isinstance(rows, ir.Slice) or column_only or _own_values(rows, value):
            continue
        yield bound


def _own_values(rows: ir.Expr, value: ir.Expr) -> bool:
    """`y[y == 2] = 1`: whole classes get another name, whatever was predicted."""
    reads = {n for e in (rows, value) for n in names_in(e)}
    return (
        isinstance(rows, ir.Compare)
        and isinstance(value, ir.Const | ir.Unary)
        and isinstance(rows.operands[-1], ir.Const | ir.Unary)
        and not any(map(hints.is_prediction, reads))
    )


def _by_prediction(bound: Bound) -> bool:
    """`y_test = np.where(sure, pred, y_test)`."""
    name, value = bound.name, bound.value
    return (
        bool(name)
        and hints.is_test(name)
        and hints.is_label(name)
        and isinstance(value, ir.Call)
        and last(value.func) in ("where", "mask", "combine_first")
        and name in variables_in(value)
        and any(map(hints.is_prediction, variables_in(value)))
    )


# ------------------------------------------------------------------------------------- DS404
_RESAMPLE = "sklearn.utils.resample"


def resampled(facts: Facts) -> Iterator[Finding]:
    """The test rows are over- or undersampled."""
    for call in facts.index.calls_to((_RESAMPLE,), "fit_resample", "fit_sample", "sample"):
        arguments = [root(a) for a in call.node.args]
        if call.method in ("fit_resample", "fit_sample"):
            name = next((a for a in arguments if hints.is_test(a)), "")
            if name:
                yield _resampled(facts, call.node, name)
        elif call.name == _RESAMPLE and not call.context.loops:
            name = next((a for a in arguments if hints.is_test(a)), "")
            inside_function = call.context.function is not None and any(
                w in ("bootstrap", "ci", "interval", "confidence")
                for w in hints.words(call.context.function.name)
            )
            if name and not inside_function:
                yield _resampled(facts, call.node, name)
        elif call.method == "sample" and isinstance(call.node.func, ir.Attribute):
            if call.context.loops:
                continue
            base = call.node.func.value
            name = dotted_base(base) or root(base)
            grouped = isinstance(base, ir.Call) and last(base.func) == "groupby"
            by_class = isinstance(base, ir.Subscript) and _class_condition(base)
            if hints.is_test(name) and (grouped or by_class):
                yield _resampled(facts, call.node, name)


def _class_condition(expr: ir.Subscript) -> bool:
    where = expr.index
    return isinstance(where, ir.Compare) and where.ops == (("=="),)


def _resampled(facts: Facts, node: ir.Node, name: str) -> Finding:
    return facts.finding(
        "DS404",
        node,
        f"`{name}` is resampled: its classes no longer have the shares in which they occur, and "
        "precision, F1 and accuracy move with them",
    )


RULES = (
    FileRule(
        "DS402",
        dropped,
        (
            TESTED,
            (b"drop", b"query", b"filter", b"["),
            (b"numpy", b"pandas", b"datasets", b"polars", b"torch"),
        ),
    ),
    FileRule(
        "DS403",
        relabelled,
        (
            TESTED,
            (b"] =", b"]=", b"where", b"mask"),
            (b"numpy", b"pandas", b"torch", b"sklearn"),
        ),
    ),
    FileRule("DS404", resampled, ((b"resample", b"fit_sample", b".sample("), TESTED)),
)
