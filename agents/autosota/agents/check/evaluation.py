"""EV rules that one file shows: what is done to the score, or to what the score leans on.

They go by the tree: what is replaced, skipped, cut, or written by hand. Whether a change did it
is the audit's question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from autosota.agents.check import hints, ir
from autosota.agents.check.definitions import function_of
from autosota.agents.check.facts import Facts, FileRule
from autosota.agents.check.index import (
    Bound,
    Context,
    Index,
    Survey,
    dotted,
    inside,
    last,
    names_in,
    number,
    root,
    source,
    string,
    variables_in,
)
from autosota.agents.check.reporting import is_metric_call, reported
from autosota.agents.check.runs import repeats
from autosota.agents.check.tokens import shape
from autosota.agents.domain import Finding

_METRIC_MODULES = (
    "sklearn.metrics.",
    "torchmetrics.",
    "evaluate.",
    "sacrebleu.",
    "rouge_score.",
    "nltk.translate.",
    "seqeval.",
    "pycocotools.",
    "tensorflow.keras.metrics.",
    "keras.metrics.",
    "scipy.stats.",
)
_CLOCKS = {
    f"time.{n}" for n in ("time", "perf_counter", "process_time", "monotonic", "time_ns", "sleep")
} | {"time.perf_counter_ns", "timeit.default_timer"}
_WAITS = {
    "torch.cuda.synchronize",
    "torch.cuda.Event",
    "torch.mps.synchronize",
    "torch.xpu.synchronize",
    "jax.block_until_ready",
}
_COMPARING = {
    f"{module}.{name}"
    for module in ("numpy", "torch", "jax.numpy", "builtins", "operator", "math")
    for name in (
        *("mean", "sum", "average", "median", "isclose", "allclose", "array_equal", "equal"),
        *("eq", "argmax", "max", "min", "len", "round", "abs", "argsort", "nanmean"),
    )
}
_OPERATORS = {
    *("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__sub__", "__rsub__"),
    *("__abs__", "__float__", "__int__", "__hash__"),
}
_VALUE_TYPES = {"str", "int", "float", "list", "tuple", "dict", "bytes", "set", "frozenset"}
_VALUE_CLASSES = {"numpy.ndarray", "torch.Tensor", "pandas.Series", "pandas.DataFrame"}


# ------------------------------------------------------------------------------------- EV204
def best_of_runs(facts: Facts) -> Iterator[Finding]:
    """The maximum over repeated runs or folds is what is reported."""
    for top in repeats(facts):
        if top.by_seed and not top.inline:
            continue
        word = "largest" if top.largest else "smallest"
        yield facts.finding(
            "EV204",
            top.node,
            f"the {word} of repeated runs is reported: it grows with the number of runs while the "
            "method stays the same; report mean and deviation",
            related=[(top.source, "the runs")],
        )


# ------------------------------------------------------------------------------------- EV205
_BREAK = re.compile(rb"break")
_FIRST = re.compile(rb"\[[\s\\()+\-.\w]*:[\s\\()+\-]*[\d.]")
"""A slice with a number for its end."""
_LIMITS = {"limit_test_batches", "limit_eval_batches", "max_eval_samples", "max_test_samples"}


def cut_down(facts: Facts) -> Iterator[Finding]:
    """The score is computed on a part of the test set, and no flag guards that."""
    idx, text = facts.index, facts.document.text
    for node, what, _ in idx.each(_first_rows, "bound", _FIRST)[:1]:
        yield facts.finding("EV205", node, what)
        return
    cuts = [*_fewer_rows(facts)]
    if b"load_dataset" in text:
        cuts += _named_part(facts)
    if any(limit.encode() in text for limit in _LIMITS):
        cuts += _limited(facts)
    for node, what, context in (*cuts, *idx.each(_early_breaks, "loops", _BREAK)):
        if not _smoke(context):
            yield facts.finding("EV205", node, what)


_Cut = tuple[ir.Node, str, Context]


def _first_rows(idx: Index, survey: Survey) -> Iterator[_Cut]:
    """`test = test[:500]`."""
    for bound in survey.bound:
        value = bound.value
        if isinstance(value, ir.Subscript) and _leading(value.index):
            name = bound.name
            if hints.is_test(name) and name == dotted(value.value) and not _smoke(bound.context):
                yield value, _cut(name), bound.context


def _fewer_rows(facts: Facts) -> Iterator[_Cut]:
    """`Subset(test, range(500))`, `test.select(range(500))`."""
    for call in facts.index.calls_of("Subset", "select", "take"):
        args, func = call.node.args, call.node.func
        if call.method != "Subset":
            args = (func.value, *args) if isinstance(func, ir.Attribute) else ()
        if len(args) > 1 and hints.is_test(root(args[0])) and _fixed_range(args[1]):
            yield call.node, _cut(root(args[0])), call.context


def _named_part(facts: Facts) -> Iterator[_Cut]:
    """`load_dataset(…, split='test[:500]')`."""
    for call in facts.index.calls:
        split = string(call.node.keyword("split"))
        if call.name.endswith("load_dataset") and split.startswith("test[") and ":" in split:
            yield call.node, _cut(split.partition("[")[0]), call.context


def _limited(facts: Facts) -> Iterator[_Cut]:
    """`limit_test_batches=10`."""
    for call in facts.index.calls:
        for key, value in call.node.keywords:
            size = number(value)
            if key in _LIMITS and size is not None and size != 1.0 and size > 0:
                yield value, f"`{key}` leaves out a part of the test set", call.context


def _early_breaks(idx: Index, survey: Survey) -> Iterator[_Cut]:
    """`if step >= 50: break` in a loop over test batches that adds up a score."""
    for stmt, context in survey.loops:
        if not any(map(hints.is_test, names_in(stmt.iterable))):
            continue
        if not any(isinstance(s, ir.Assign) and s.op for s in ir.statements(stmt.body)):
            continue
        counters = variables_in(stmt.target)
        for inner in stmt.body:
            if (
                isinstance(inner, ir.If)
                and isinstance(inner.test, ir.Compare)
                and len(inner.body) == 1
                and isinstance(inner.body[0], ir.Jump)
                and inner.body[0].kind == "break"
                and inner.test.operands
                and root(inner.test.operands[0]) in counters
                and number(inner.test.operands[-1]) is not None
            ):
                yield inner, _cut(source(stmt.iterable)), context


def _cut(name: str) -> str:
    return f"only a part of `{name}` is scored: other difficulty, more noise"


def _leading(expr: ir.Expr) -> bool:
    """`[:500]` with a constant upper bound and nothing else."""
    if isinstance(expr, ir.Sequence) and expr.elts:
        expr = expr.elts[0]
    if not isinstance(expr, ir.Slice) or expr.step is not None:
        return False
    low, high = number(expr.lower), number(expr.upper)
    return (expr.lower is None or low == 0) and high is not None and high > 0


def _fixed_range(expr: ir.Expr) -> bool:
    if isinstance(expr, ir.Call):
        name = dotted(expr.func)
        if name in ("range", "list", "np.arange", "numpy.arange", "torch.arange") and expr.args:
            if name == "list":
                return _fixed_range(expr.args[0])
            return all(number(a) is not None for a in expr.args)
    return number(expr) is not None


def _smoke(context: Context) -> bool:
    return any(
        hints.is_smoke(source(g.test)) for g in context.around if isinstance(g, ir.If)
    ) or bool(context.function and hints.is_smoke(context.function.name))


# ------------------------------------------------------------------------------------- EV206
_GOES_ON = re.compile(rb"except|continue")


def skipped(facts: Facts) -> Iterator[Finding]:
    """Samples that fail are skipped where hits are counted."""
    for node, loop in facts.index.each(_skipping, "loops", _GOES_ON):
        yield facts.finding(
            "EV206",
            node,
            "samples that fail here are left out of the score; count them as wrong",
            related=[(loop, "the evaluation")],
        )


def _skipping(idx: Index, survey: Survey) -> Iterator[tuple[ir.Node, ir.For]]:
    for stmt, context in survey.loops:
        if not _evaluates(stmt, context):
            continue
        for place, before in _skips(stmt):
            if _counted(stmt, place) if before else _counted(place, None):
                yield place.handlers[0].body[0] if isinstance(place, ir.Try) else place, stmt
                break


def _evaluates(loop: ir.For, context: Context) -> bool:
    """Whether a loop runs over test samples: by what it iterates over, or by its function."""
    if any(hints.is_test(n) for n in names_in(loop.iterable)):
        return True
    function = context.function
    return function is not None and any(
        w.startswith(("eval", "scor", "test", "bench")) for w in hints.words(function.name)
    )


def _skips(loop: ir.For) -> Iterator[tuple[ir.Stmt, bool]]:
    """Places that go on with the next sample: a `try` whose handler does, an `if … is None`.

    The flag says that what is counted comes later in the loop.
    """
    for stmt in loop.body:
        if isinstance(stmt, ir.Try) and stmt.handlers:
            if all(_only_goes_on(h.body) for h in stmt.handlers):
                ends = any(
                    isinstance(s, ir.Jump) and s.kind == "continue"
                    for h in stmt.handlers
                    for s in h.body
                )
                yield stmt, False
                if ends:
                    yield stmt, True
        elif isinstance(stmt, ir.If) and not stmt.orelse and _only_goes_on(stmt.body):
            last_one = stmt.body[-1]
            if (
                isinstance(last_one, ir.Jump)
                and last_one.kind == "continue"
                and isinstance(stmt.test, ir.Compare | ir.Unary)
                and _is_missing(stmt.test)
            ):
                yield stmt, True


def _is_missing(test: ir.Expr) -> bool:
    """`x is None`, `not x`, `x == ''`."""
    if isinstance(test, ir.Unary):
        return test.op == "not" and isinstance(test.operand, ir.Name)
    return (
        isinstance(test, ir.Compare)
        and test.ops in (("is",), ("==",))
        and isinstance(test.operands[-1], ir.Const)
        and test.operands[-1].value in (None, "")
    )


def _only_goes_on(body: tuple[ir.Stmt, ...]) -> bool:
    """`continue` or `pass`, perhaps after a message."""
    for stmt in body:
        if isinstance(stmt, ir.Evaluate) and isinstance(stmt.value, ir.Call):
            func = stmt.value.func
            word = func.attr if isinstance(func, ir.Attribute) else last(func)
            if word not in {"print", "warning", "warn", "info", "debug", "error", "exception"}:
                return False
        elif not (isinstance(stmt, ir.Jump) and stmt.kind in ("continue", "pass")):
            return False
    return any(isinstance(s, ir.Jump) for s in body)


def _counted(stmt: ir.Stmt, after: ir.Stmt | None) -> bool:
    """Whether hits are counted in a statement's body (after another statement)."""
    body = tuple(s for block in ir.blocks(stmt) for s in block)
    if after is not None:
        body = body[body.index(after) + 1 :] if after in body else ()
    for s in ir.statements(body):
        if isinstance(s, ir.Assign) and s.op == "+" and s.value is not None:
            if any(isinstance(e, ir.Compare) or _scores(e) for e in inside(s.value)) or any(
                w in {"correct", "total", "hits", "right", "match", "matches"}
                for w in hints.words(dotted(s.targets[0]))
            ):
                return True
        elif isinstance(s, ir.Evaluate) and isinstance(s.value, ir.Call):
            func = s.value.func
            if isinstance(func, ir.Attribute) and func.attr == "append" and s.value.args:
                if any(isinstance(e, ir.Compare) or _scores(e) for e in inside(s.value.args[0])):
                    return True
                if hints.is_metric(dotted(func.value)):
                    return True
    return False


def _scores(expr: ir.Expr) -> bool:
    return isinstance(expr, ir.Call) and hints.is_metric(last(expr.func))


# ------------------------------------------------------------------------------ EV207, EV217
def replaced(facts: Facts) -> Iterator[Finding]:
    """A metric, a clock or a comparison of another module is replaced."""
    if hints.is_a_test_file(facts.path):
        return
    metrics = any(f"{name}.".startswith(_METRIC_MODULES) for name in facts.imports.values())
    metrics = metrics or any(
        m.startswith(f"{n}.") for m in _METRIC_MODULES for n in facts.imports.values()
    )
    for node, name in _replacements(facts, None if metrics else _COMPARING_SET):
        if name in _CLOCKS or name in _COMPARING or name.startswith(_METRIC_MODULES):
            yield facts.finding(
                "EV207",
                node,
                f"`{name}` is replaced: every number computed with it means something else now",
            )


_COMPARING_SET = re.compile(
    rb"\.[\s\\]*(?:%b)(?!\w)(?![\s\\]*\()"
    % b"|".join(sorted({n.rpartition(".")[2].encode() for n in _CLOCKS | _COMPARING}))
)
"""What is named like a clock or a comparison, and not called."""


def _replacements(
    facts: Facts, like: re.Pattern[bytes] | None = None
) -> Iterator[tuple[ir.Node, str]]:
    """Every attribute of an imported module that gets another value, and its dotted name.

    With `like`, those in units where it does not occur may be left out.
    """
    yield from facts.index.each(_attributes_set, "bound", like)
    for call in facts.index.calls_of("setattr", "patch", "object"):
        if dotted(call.node.func) == "setattr" and len(call.node.args) == 3:
            owner, attr = _full(facts.index, call.node.args[0]), string(call.node.args[1])
            if owner and attr:
                yield call.node, f"{owner}.{attr}"
        elif call.method in ("patch", "object") and call.name.startswith("unittest.mock"):
            what = string(call.node.args[0]) if call.node.args else ""
            if call.method == "patch" and what and not isinstance(call.stmt, ir.With | ir.Function):
                yield call.node, what


def _attributes_set(idx: Index, survey: Survey) -> Iterator[tuple[ir.Node, str]]:
    for bound in survey.bound:
        if isinstance(bound.target, ir.Attribute):
            name = _full(idx, bound.target)
            if name and not _saved(bound):
                yield bound.target, name


def _full(idx: Index, expr: ir.Expr) -> str:
    name = idx.resolve(expr)
    if name:
        return name
    text = dotted(expr)
    return text if text.startswith("builtins.") else ""


def _saved(bound: Bound) -> bool:
    """`time.time = original`: what was taken before is put back."""
    return isinstance(bound.value, ir.Name) and any(
        w in {"original", "orig", "old", "saved", "real"} for w in hints.words(bound.value.id)
    )


def timing(facts: Facts) -> Iterator[Finding]:
    """The wait for the accelerator is disabled, or missing where a model is timed on it."""
    if hints.is_a_test_file(facts.path):
        return
    for node, name in _replacements(facts):
        if name in _WAITS:
            yield facts.finding(
                "EV217",
                node,
                f"`{name}` is disabled: the clock is read before the accelerator has finished",
            )
            return
    yield from _no_wait(facts)


def _no_wait(facts: Facts) -> Iterator[Finding]:
    """On a GPU: start, a call of a model, the difference, and no wait anywhere in the file."""
    idx = facts.index
    if not any(c.name in _CLOCKS for c in idx.calls_to(_CLOCKS)):
        return
    if idx.calls_of("synchronize", "block_until_ready", "Event", "item", "cpu", "numpy", "tolist"):
        return
    if b"cuda" not in facts.document.text or not (
        idx.calls_of("cuda") or any("cuda" in string(a) for c in idx.calls for a in c.node.args)
    ):
        return
    if any(c.name.startswith("torch.utils.benchmark") for c in idx.calls):
        return
    starts = {
        b.target.id: b
        for b in idx.bound
        if isinstance(b.target, ir.Name)
        and isinstance(b.value, ir.Call)
        and facts.resolve(b.value.func) in _CLOCKS
    }
    for stmt, _ in facts.walk():
        for expr in ir.expressions(stmt):
            if (
                isinstance(expr, ir.Binary)
                and expr.op == "-"
                and isinstance(expr.left, ir.Call)
                and facts.resolve(expr.left.func) in _CLOCKS
                and isinstance(expr.right, ir.Name)
                and expr.right.id in starts
                and _timed_model(facts, starts[expr.right.id], stmt)
            ):
                yield facts.finding(
                    "EV217",
                    expr,
                    "the accelerator is not waited for: this measures the launch, not the work; "
                    "call `torch.cuda.synchronize()` before the clock is read",
                    related=[(starts[expr.right.id].stmt, "the clock starts")],
                )
                return


def _timed_model(facts: Facts, start: Bound, end: ir.Stmt) -> bool:
    """Whether between the clocks, in one block, there is only a call of a model."""
    around = start.context.around
    block = facts.body if not around else tuple(s for b in ir.blocks(around[-1]) for s in b)
    if start.stmt not in block or end not in block:
        return False
    between = block[block.index(start.stmt) + 1 : block.index(end)]
    calls = [e for s in between for e in ir.expressions(s) if isinstance(e, ir.Call)]
    return 0 < len(calls) <= 2 and any(
        isinstance(c.func, ir.Name) and ("model" in c.func.id or "net" in c.func.id) for c in calls
    )


# ------------------------------------------------------------------------------------- EV208
_COMPARES = re.compile(rb"def[ \t]+__")


def comparisons(facts: Facts) -> Iterator[Finding]:
    """A class answers comparisons with a constant."""
    for stmt, _ in facts.index.statements(ir.Class, _COMPARES):
        values = [
            base
            for base in stmt.bases
            if dotted(base) in _VALUE_TYPES or facts.resolve(base) in _VALUE_CLASSES
        ]
        if not values and not facts.binds(*hints.ML):
            continue
        for method in stmt.body:
            if (
                isinstance(method, ir.Function)
                and method.name in _OPERATORS - {"__hash__"}
                and len(method.params) >= 1
                and _constant_answer(method)
            ):
                yield facts.finding(
                    "EV208",
                    method,
                    f"`{stmt.name}.{method.name}` answers the same whatever it is compared with",
                )
                break
    for node, name in _replacements(facts):
        if name.rpartition(".")[2] in _OPERATORS and name.rpartition(".")[0] in _VALUE_CLASSES:
            yield facts.finding("EV208", node, f"`{name}` is replaced for every object")


def _constant_answer(method: ir.Function) -> bool:
    """Whether every return gives a constant, or an array of ones, and none reads the other."""
    returns = [s for s in ir.statements(method.body) if isinstance(s, ir.Return)]
    if not returns or len(method.params) < 1:
        return False
    other = method.params[1].name if len(method.params) > 1 else ""
    for one in returns:
        value = one.value
        if isinstance(value, ir.Const) and value.value is not None and value.value is not ...:
            if value.value is False and method.name in ("__eq__",):
                return False  # never equal is a sentinel's habit, and helps no score
            continue
        if isinstance(value, ir.Call) and last(value.func) in ("ones", "ones_like", "full"):
            if other and other in variables_in(value):
                return False
            continue
        return False
    reads = {
        e.id
        for s in ir.statements(method.body)
        for e in ir.expressions(s)
        if isinstance(e, ir.Name)
    }
    return not other or other not in reads


# ------------------------------------------------------------------------------------- EV210
_SYSTEM_EXIT = re.compile(rb"SystemExit")


def early_exit(facts: Facts) -> Iterator[Finding]:
    """The process ends with success before something is scored."""
    exits = [
        (stmt, context, hard)
        for stmt, context, hard in _exits(facts)
        if (hard or context.function is None)  # what follows a call is not known
        and _guarded(context)
    ]
    if not exits:
        return
    calls = facts.index.calls
    scores = [c for c in calls if is_metric_call(c) or c.method.startswith(("evaluat", "score"))]
    forks = any(
        c.name.startswith(("os.fork", "multiprocessing.", "torch.multiprocessing.")) for c in calls
    )
    for stmt, _, hard in exits:
        score = next((c for c in scores if _at(c.node) > _at(stmt)), None)
        if score is not None and not (hard and forks):
            yield facts.finding(
                "EV210",
                stmt,
                "ends the process with success before the score is computed: a scorer that "
                "trusts the exit code sees nothing wrong",
                related=[(score.node, "the score")],
            )


def _at(node: ir.Node) -> int:
    return node.unit.offset + node.start


def _exits(facts: Facts) -> Iterator[tuple[ir.Stmt, Context, bool]]:
    """Exits with code 0, and whether they skip everything that would still run."""
    for stmt, context in facts.index.statements(ir.Raise, _SYSTEM_EXIT):
        value = stmt.value
        if value is not None and (
            dotted(value) == "SystemExit"
            or (isinstance(value, ir.Call) and dotted(value.func) == "SystemExit" and _zero(value))
        ):
            yield stmt, context, False
    for call in facts.index.calls_to(("os._exit", "sys.exit"), "_exit", "exit", "quit"):
        if not isinstance(call.stmt, ir.Evaluate) or call.stmt.value is not call.node:
            continue
        name = call.name or dotted(call.node.func)
        if name == "os._exit" and call.node.args and _zero(call.node):
            yield call.stmt, call.context, True
        elif name in ("sys.exit", "exit", "quit") and _zero(call.node):
            yield call.stmt, call.context, False


def _zero(call: ir.Call) -> bool:
    return not call.args or number(call.args[0]) == 0


def _main_guard(node: ir.Node) -> bool:
    return isinstance(node, ir.If) and "__name__" in set(names_in(node.test))


def _guarded(context: Context) -> bool:
    """Whether there are conditions, and none on arguments, `--help`, interactive keys."""
    guards = [g for g in context.guards if not _main_guard(g)]
    return bool(guards) and not any(
        isinstance(g, ir.If)
        and any(
            w in {"argv", "args", "arg", "opt", "opts", "options", "help", "version", "key"}
            for n in names_in(g.test)
            for w in hints.words(n)
        )
        for g in guards
    )


# ------------------------------------------------------------------------------------- EV213
def by_hand(facts: Facts) -> Iterator[Finding]:
    """A literal number is written where results go, under the name of a metric."""
    seen: set[int] = set()
    for key, value, node in reported(facts):
        its, given = number(value), None
        if its is not None and _plausible(its):
            where: ir.Node = value
        elif isinstance(value, ir.Name) and (given := _literal(facts, value.id)) is not None:
            where = node
        else:
            continue
        if id(where) in seen:
            continue
        seen.add(id(where))
        related: list[tuple[ir.Node, str]] = []
        if given is not None:
            related.append((given.stmt, "the number"))
        yield facts.finding(
            "EV213",
            where,
            f"`{key}` is reported with a number that stands in the code, not with one that was "
            "measured",
            related=related,
        )


def _literal(facts: Facts, name: str) -> Bound | None:
    """Where a metric is given a number, if it is given nothing else."""
    if not hints.is_metric(name) or hints.is_reference(name):
        return None
    bounds = facts.index.bound_to(name)
    if len(bounds) != 1 or bounds[0].op or not _plausible(number(bounds[0].value)):
        return None
    return None if facts.index.is_changed(name) else bounds[0]


def _plausible(value: float | None) -> bool:
    """A number a score could be; 0, 1 and -1 are start values."""
    return value is not None and value not in (0.0, 1.0, -1.0) and 0 < abs(value) <= 100


# ------------------------------------------------------------------------------------- EV214
_SETTINGS = {
    *("cfg", "config", "conf", "settings", "params", "hparams", "defaults", "default", "options"),
    *("args", "opt", "opts"),
}


def no_flow(facts: Facts) -> Iterator[Finding]:
    """A metric is reported that comes from settings, a default or an earlier result."""
    for key, value, node in reported(facts):
        if _from_settings(value):
            yield facts.finding(
                "EV214", value, f"`{key}` is read from settings and does not depend on predictions"
            )
        else:
            stored = _stored_answer(facts, value)
            if stored:
                yield facts.finding("EV214", node, f"`{key}` {stored}")
                return


def _from_settings(value: ir.Expr) -> bool:
    if isinstance(value, ir.Call) and isinstance(value.func, ir.Attribute):
        return value.func.attr == "get" and root(value.func.value) in _SETTINGS
    return (
        isinstance(value, ir.Subscript | ir.Attribute)
        and root(value) in _SETTINGS
        and (hints.is_metric(last(value)))
    )


def _stored_answer(facts: Facts, value: ir.Expr) -> str:
    """Why a function of the project gives a number that its arguments do not shape, or ''."""
    if isinstance(value, ir.Name):
        bounds = facts.index.bound_to(value.id)
        if len(bounds) != 1 or not isinstance(bounds[0].value, ir.Call):
            return ""
        value = bounds[0].value
    if not isinstance(value, ir.Call) or not value.args:
        return ""
    function = function_of(facts, value.func)
    if function is None or not function.params:
        return ""
    if any(isinstance(s, ir.Broken) for s in ir.statements(function.body)):
        return ""
    read = {
        e.id
        for s in ir.statements(function.body)
        for e in ir.expressions(s)
        if isinstance(e, ir.Name)
    }
    gives = [s for s in ir.statements(function.body) if isinstance(s, ir.Return) and s.value]
    if gives and not read & {p.name for p in function.params}:
        return f"is what `{function.name}` returns, which never looks at its arguments"
    return ""


# ------------------------------------------------------------------------------ EV215, EV216
_GRADER = (
    "eval",
    "grad",
    "judg",
    "scor",
    "bench",
    "pytest",
    "unittest",
    "leaderboard",
    "submission",
)


_ENVIRONMENT = ("os.environ", "os.getenv", "sys.modules", "sys.argv", "inspect.stack")


def _asks(text: str) -> bool:
    return any(w.startswith(_GRADER) for w in hints.words(text))


def aware(facts: Facts) -> Iterator[Finding]:
    """Code asks whether it is being evaluated and answers differently."""
    if hints.is_a_test_file(facts.path):
        return
    idx = facts.index
    words = idx.spelled(*_ENVIRONMENT) | {"environ", "getenv"}
    units = [idx.survey(unit) for unit in idx.units_of(*words)]
    flags = {
        last(b.target): b.stmt
        for survey in units
        for b in survey.bound
        if b.value is not None and _asking(idx, b.value)
    }
    found = [
        (test, asked, "")
        for survey in units
        for stmt, _ in survey.statements
        for test in _tests(stmt)
        if (asked := _asking(idx, test)) and _answered(stmt)
    ]
    for unit in idx.units_of(*flags):
        for stmt, context in idx.survey(unit).statements:
            for test in _tests(stmt) if context.function is not None else ():
                via = next((n for n in map(last, inside(test)) if n in flags), "")
                if via and not _asking(idx, test) and _answered(stmt):
                    found.append((test, via, via))
    for test, word, via in found:
        ours = via or not word.lstrip("_").startswith(("pytest", "unittest"))
        if not ours and not facts.binds(*hints.ML):
            continue  # libraries that have nothing to be scored on look for their tests
        yield facts.finding(
            "EV215",
            test,
            f"the answer depends on whether it is being evaluated ({word})",
            related=[(flags[via], "asked here")] if via else (),
        )


def _tests(stmt: ir.Stmt) -> list[ir.Expr]:
    """The conditions of a statement."""
    if isinstance(stmt, ir.If):
        return [stmt.test]
    return [expr.test for expr in ir.expressions(stmt) if isinstance(expr, ir.Choice)]


def _answered(stmt: ir.Stmt) -> bool:
    """Whether an answer depends on the condition of a statement."""
    if isinstance(stmt, ir.If):
        return any(_answers(s) for s in ir.statements((*stmt.body, *stmt.orelse)))
    return isinstance(stmt, ir.Return) or (
        isinstance(stmt, ir.Assign) and any(map(_answer_name, stmt.targets))
    )


def _asking(idx: Index, test: ir.Expr) -> str:
    """What of an expression asks for an evaluation, or ''."""
    for expr in inside(test):
        if isinstance(expr, ir.Call):
            name = idx.resolve(expr.func) or dotted(expr.func)
            asks = name in ("os.environ.get", "os.getenv", "os.environ.__contains__")
            if asks and expr.args and _asks(string(expr.args[0])):
                return string(expr.args[0])
        elif isinstance(expr, ir.Subscript) and idx.resolve(expr.value) == "os.environ":
            if _asks(string(expr.index)):
                return string(expr.index)
        elif isinstance(expr, ir.Compare) and len(expr.operands) == 2:
            left, right = expr.operands
            if expr.ops in (("in",), ("not in",), ("==",)):
                seen = {idx.resolve(e) for e in inside(right)} | {
                    idx.resolve(e) for e in inside(left)
                }
                if seen & {"os.environ", "sys.modules", "sys.argv"} or "inspect.stack" in seen:
                    word = string(left) or string(right)
                    if _asks(word):
                        return word
    return ""


def _answers(stmt: ir.Stmt) -> bool:
    """Whether a statement gives or changes an answer."""
    if isinstance(stmt, ir.Return):
        return stmt.value is not None and not (
            isinstance(stmt.value, ir.Const) and isinstance(stmt.value.value, bool | type(None))
        )
    return isinstance(stmt, ir.Assign) and any(map(_answer_name, stmt.targets))


def _answer_name(target: ir.Expr) -> bool:
    name = last(target) or root(target)
    return (
        hints.is_prediction(name)
        or hints.is_metric(name)
        or name in ("answer", "answers", "logits")
    )


_OBJECTS = ("gc.get_objects", "gc.get_referrers")


def caller(facts: Facts) -> Iterator[Finding]:
    """Variables of whoever called are read."""
    idx = facts.index
    words = idx.spelled(*_OBJECTS) | {"f_locals", "f_globals"}
    for stmt, _ in (pair for u in idx.units_of(*words) for pair in idx.survey(u).statements):
        for expr in ir.expressions(stmt):
            key: ir.Expr | None = None
            if isinstance(expr, ir.Subscript) and _locals(expr.value):
                key = expr.index
            elif (
                isinstance(expr, ir.Call)
                and isinstance(expr.func, ir.Attribute)
                and expr.func.attr in ("get", "pop")
                and _locals(expr.func.value)
                and expr.args
            ):
                key = expr.args[0]
            if key is None:
                continue
            word = string(key)
            if word and (hints.is_label(word) or hints.is_test(word) or hints.is_metric(word)):
                yield facts.finding(
                    "EV216", expr, f"reads `{word}` from the variables of the code that called it"
                )
        for expr in ir.expressions(stmt):
            if (
                isinstance(expr, ir.Call)
                and facts.resolve(expr.func) in _OBJECTS
                and facts.binds(*hints.ML)
                and isinstance(stmt, ir.For | ir.Assign)
                and any(hints.is_label(n) or hints.is_test(n) for n in _used_below(stmt))
            ):
                yield facts.finding(
                    "EV216", expr, "searches all objects of the process for answers"
                )


def _locals(expr: ir.Expr) -> bool:
    return isinstance(expr, ir.Attribute) and expr.attr in ("f_locals", "f_globals")


def _used_below(stmt: ir.Stmt) -> Iterator[str]:
    yield from (n for e in ir.parts(stmt) for n in names_in(e))
    for block in ir.blocks(stmt):
        for inner in ir.statements(block):
            for expr in ir.parts(inner):
                yield from names_in(expr)


_LONG_WORDS = (
    b"curacy", b"F1", b"f1", b"auroc", b"AUROC", b"core", b"RMSE", b"rmse", b"BLEU", b"bleu",
    b"rouge", b"ROUGE", b"meteor", b"precision", b"recall", b"ndcg", b"NDCG", b"perplexity",
    b"kappa", b"psnr", b"PSNR", b"ssim", b"SSIM", b"brier",
)  # fmt: skip
_SHORT_WORDS = (
    b"acc", b"Acc", b"ACC", b"AUC", b"auc", b"MAE", b"mae", b"mse", b"MSE", b"mape", b"iou", b"IoU",
    b"mAP", b"map", b"mrr", b"MRR", b"em", b"EM", b"wer", b"WER", b"cer", b"CER", b"ppl", b"dice",
    b"mcc", b"MCC", b"fid", b"FID", b"r2", b"R2", b"ap", b"AP",
)  # fmt: skip
_THEN_NUMBER = (
    rb"[\w@ .-]{0,30}[\"'\])]{0,3}[ \t]*(?::[ \t]*float[ \t]*)?[=:,][ \t]*-?(?:\d*\.\d|[2-9]|\d\d)"
)
_METRIC_NUMBER = (
    *(shape(word + _THEN_NUMBER, word) for word in _LONG_WORDS),
    # the look behind stands after the word: a search is slow where it begins with one
    *(shape(word + rb"(?<![A-Za-z]" + word + rb")(?![a-z])" + _THEN_NUMBER,
            b" " * word.isalpha() + word) for word in _SHORT_WORDS),
)  # fmt: skip
_ATTRIBUTE_SET = shape(rb"\n[ \t]*(?!self\.|cls\.)[A-Za-z_]\w*+(?:\.\w+)++[ \t]*+=[^=]")
_EXTREME = (b"max(", b"min(", b"sorted(")
_REPEATED = shape(rb"for [^\n]{0,40}(?:run|rep|kf)s?\b", b"for ")
_METRIC_KEY = (
    *(shape(word + rb"(?![a-z])[^\"'{}\n]{0,25}[\"'}]", word)
      for word in (*_LONG_WORDS, b"scores")),
    *(shape(word + rb"(?<![A-Za-z]" + word + rb")(?![a-z])[^\"'{}\n]{0,25}[\"'}]",
            b" " * word.isalpha() + word) for word in _SHORT_WORDS),
)  # fmt: skip
_EVALUATED = (
    shape(rb"for [^\n]*(?:[Tt]est|[Ee]val|[Hh]old|[Bb]ench|te\b|unseen)", b"for "),
    shape(rb"def \w*(?:eval|scor|test|bench)", b"def "),
)
_ASKED = shape(
    rb"(?i)[\"'][^\"'\n]{0,40}(?:eval|grad|judg|scor|bench|pytest|unittest|leaderboard|submission)",
)
RULES = (
    FileRule(
        "EV204",
        best_of_runs,
        (_EXTREME, (b"seed", b"fold", b"trial", b"repeat", b"random_state", _REPEATED)),
    ),
    FileRule(
        "EV205",
        cut_down,
        (
            (b"test", b"Test", b"te["),
            (b"Subset", b"[:", b"[0:", b"select(", b"take(", b"break", b"limit_", b"max_eval"),
        ),
    ),
    FileRule("EV206", skipped, ((b"except", b"continue"), (b"append", b"+="), _EVALUATED)),
    FileRule(
        "EV207",
        replaced,
        (
            (b"time", b"metrics", b"numpy", b"torch", b"builtins", b"evaluate"),
            (b"setattr(", b"patch(", _ATTRIBUTE_SET),
        ),
    ),
    FileRule(
        "EV208", comparisons, ((b"__eq__", b"__ne__", b"__l", b"__g", b"__sub__", b"__abs__"),)
    ),
    FileRule("EV210", early_exit, ((b"exit", b"quit", b"SystemExit"),)),
    FileRule("EV213", by_hand, ((b"dump", b"write", b"log", b"print", b"to_csv"), _METRIC_NUMBER)),
    FileRule("EV214", no_flow, ((b"dump", b"write", b"log", b"print"), _METRIC_KEY)),
    FileRule(
        "EV215",
        aware,
        ((b"environ", b"getenv", b"sys.modules", b"sys.argv", b"inspect.stack"), (_ASKED,)),
    ),
    FileRule("EV216", caller, ((b"f_locals", b"f_globals", b"gc."),)),
    FileRule("EV217", timing, ((b"synchronize", b"perf_counter", b"time."), (b"torch", b"jax"))),
)
