"""OUT rules that one file shows: predictions that no model made.

They go by names and the tree: predictions written by hand, looked up, loaded, copied from labels
or asked of a service. What the predictions of a run really are is evidence of the run's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from autosota.agents.check import hints, ir
from autosota.agents.check.definitions import function_of, is_declared_evaluator
from autosota.agents.check.facts import TESTED, Facts, FileRule
from autosota.agents.check.index import (
    Bound,
    Called,
    Index,
    Survey,
    bound_names,
    inside,
    last,
    names_in,
    number,
    root,
    string,
    variables_in,
)
from autosota.agents.check.reporting import handed_in, is_metric_call
from autosota.agents.check.tokens import shape
from autosota.agents.domain import Finding

_READERS = {
    *("read_csv", "read_json", "read_parquet", "read_pickle", "read_table", "read_excel"),
    *("read_feather", "load", "loadtxt", "genfromtxt", "open", "read_text", "load_json"),
    *("read_jsonl", "load_jsonl", "loads"),
}
_MODEL_CALLS = {"predict", "predict_proba", "generate", "decision_function", "forward", "transform"}
_OTHER_VALUES = {"shift", "mean", "mode", "median", "max", "min", "sum", "rolling", "lag", "diff"}
_INFERS = {*_MODEL_CALLS, "predict_on_batch", "predict_step", "eval", "infer", "score_samples"}


_PREDICTIONS = ("answers", "outputs", "final")


def _prediction_name(target: ir.Expr) -> str:
    """The name of a target that means predictions, or ''."""
    name = last(target) or root(target)
    return name if hints.is_prediction(name) or name in _PREDICTIONS else ""


def _labels_of_test(facts: Facts, expr: ir.Expr) -> str:
    """The text of true labels of tested rows inside an expression, or ''.

    By name (`y_test`, `test['label']`, `truth` that was made of test), outside a comparison.
    """
    stack = [expr]
    while stack:
        one = stack.pop()
        if isinstance(one, ir.Compare):
            continue
        if isinstance(one, ir.Call):
            if not isinstance(one.func, ir.Attribute):
                stack.extend(one.args[:1])
            elif one.func.attr not in _OTHER_VALUES:
                stack.append(one.func.value)
            continue
        if isinstance(one, ir.Name):
            if hints.is_label(one.id) and hints.is_test(one.id):
                return one.id
            if hints.is_label(one.id) and _made_of_test(facts, one.id):
                return one.id
            continue
        if isinstance(one, ir.Subscript):
            key = last(one)
            if key and hints.is_label(key) and hints.is_test(root(one.value)):
                return facts.text(one)
            stack.append(one.value)
            continue
        if isinstance(one, ir.Attribute):
            if hints.is_label(one.attr) and hints.is_test(root(one.value)):
                return facts.text(one)
            stack.append(one.value)
            continue
        stack.extend(ir.parts(one))
    return ""


def _made_of_test(facts: Facts, name: str) -> bool:
    return any(
        (
            b.value is not None
            and any(hints.is_test(n) for n in variables_in(b.value))
            and any(hints.is_label(n) for n in names_in(b.value))
        )
        or (
            b.value is not None
            and isinstance(b.value, ir.Call)
            and hints.is_test(root(b.value.func))
            and b.op == ""
        )
        for b in facts.index.bound_to(name)
    )


# ------------------------------------------------------------------------------------ OUT301
def _of_labels(idx: Index, survey: Survey) -> Iterator[Bound]:
    """What may be given labels, and may hold predictions."""
    for bound in survey.bound:
        value, target = bound.value, bound.target
        if value is None or bound.op == "with":
            continue
        if isinstance(target, ir.Subscript):
            if isinstance(target.index, ir.Const) and not hints.is_prediction(last(target)):
                continue
        elif isinstance(value, ir.Call) and last(value.func) == "where" and len(value.args) == 3:
            pass
        elif isinstance(target, ir.Name) and hints.is_prediction(target.id):
            if not isinstance(value, ir.Name | ir.Attribute | ir.Subscript) and not (
                isinstance(value, ir.Call)
                and last(value.func) in ("copy", "array", "clone", "deepcopy")
            ):
                continue
            if any(hints.is_prediction(n) for n in variables_in(value)):
                continue
        else:
            continue
        if any(map(hints.is_label, names_in(value))):
            yield bound


def labels_copied(facts: Facts) -> Iterator[Finding]:
    """Values of the test labels are put into predictions."""
    for bound in facts.index.each(_of_labels, "bound"):
        value, target = bound.value, bound.target
        assert value is not None
        if isinstance(target, ir.Subscript):
            name = root(target)
            into = hints.is_prediction(name) or name in _PREDICTIONS
            if not into and not hints.is_prediction(last(target)) and not _predicted(facts, name):
                continue
            found = _labels_of_test(facts, value)
        elif isinstance(value, ir.Call) and last(value.func) == "where" and len(value.args) == 3:
            texts = [_labels_of_test(facts, a) for a in value.args[1:]]
            others = [a for a, t in zip(value.args[1:], texts, strict=True) if not t]
            found = next((t for t in texts if t), "")
            if not others or not any(
                hints.is_prediction(n) or _predicted(facts, n) for n in variables_in(others[0])
            ):
                continue
        elif isinstance(target, ir.Name) and hints.is_prediction(target.id):
            found = _labels_of_test(facts, value)
        else:
            continue
        if found and not hints.is_prediction(found):
            yield facts.finding(
                "OUT301",
                bound.stmt,
                f"`{found}` flows into `{facts.text(target)}`: graded on answers it was given",
            )
            return


def _predicted(facts: Facts, name: str) -> bool:
    """Whether a name is given the result of a model's prediction."""
    return any(
        b.value is not None
        and any(
            isinstance(e, ir.Call) and last(e.func) in _MODEL_CALLS - {"transform"}
            for e in inside(b.value)
        )
        for b in facts.index.bound_to(name)
    )


# ------------------------------------------------------------------------------------ OUT302
_FILLED = {"zeros", "ones", "full", "zeros_like", "ones_like", "full_like", "repeat"}


def by_hand(facts: Facts) -> Iterator[Finding]:
    """Predictions are a literal list or one constant, and are scored or handed in."""
    idx = facts.index
    for name in list(idx.names):
        if not (hints.is_prediction(name) or name in ("answers", "outputs")):
            continue
        bounds = idx.bound_to(name)
        if hints.is_trivial(name) or len(bounds) != 1 or idx.is_changed(name):
            continue
        bound = bounds[0]
        if bound.value is None or bound.op or _explained(facts, bound):
            continue
        kind = _handmade(bound.value)
        if not kind:
            continue
        where = handed_in(facts, name)
        if where is not None:
            yield facts.finding(
                "OUT302",
                bound.stmt,
                f"`{name}` is {kind}, not what a model predicted, and is handed in",
                related=[(where, "handed in")],
            )


def _handmade(value: ir.Expr) -> str:
    if (
        isinstance(value, ir.Call)
        and value.args
        and last(value.func) in ("array", "asarray", "Series")
    ):
        value = value.args[0]
    if (
        isinstance(value, ir.Sequence)
        and len(value.elts) >= 5
        and all(isinstance(e, ir.Const) or number(e) is not None for e in value.elts)
    ):
        return "a list written by hand"
    if isinstance(value, ir.Binary):
        if value.op == "*":
            for side, other in ((value.left, value.right), (value.right, value.left)):
                if (
                    isinstance(side, ir.Sequence)
                    and len(side.elts) == 1
                    and isinstance(side.elts[0], ir.Const)
                    and _a_length(other)
                ):
                    return "one constant for every row"
        if value.op in ("+", "*") and (
            number(value.left) is not None or number(value.right) is not None
        ):
            inner = value.left if number(value.right) is not None else value.right
            return _handmade(inner)
    if isinstance(value, ir.Call) and last(value.func) in _FILLED and value.args:
        if last(value.func) in ("full", "full_like") and (
            len(value.args) < 2 or number(value.args[1]) is None
        ):
            return ""
        if _a_length(value.args[0]):
            return "one constant for every row"
    return ""


def _a_length(expr: ir.Expr) -> bool:
    """`len(test)`, `X_test.shape[0]`, `y_test` of a `…_like`."""
    names = list(names_in(expr))
    return any(hints.is_test(n) for n in names) and (
        "len" in names or "shape" in names or isinstance(expr, ir.Name)
    )


def _explained(facts: Facts, bound: Bound) -> bool:
    function = bound.context.function
    return hints.is_a_test_file(facts.path) or (
        function is not None and hints.is_trivial(function.name)
    )


# ------------------------------------------------------------------------------------ OUT303
_ANSWERS_IN = re.compile(rb"(?i)answer|gold|solution|label|truth")
_ANSWER_FILE = re.compile(r"answer|gold|solution|ground_?truth|labels?_by|truth", re.I)


def looked_up(facts: Facts) -> Iterator[Finding]:
    """Predictions are read from a table of answers keyed by id, hash or question."""
    idx = facts.index
    tables = dict(idx.each(_tables, "bound"))
    if not tables:
        return
    for stmt, context in facts.walk():
        if isinstance(stmt, ir.Assign) and stmt.value is not None:
            gives = any(_prediction_name(t) for t in stmt.targets)
            value: ir.Expr | None = stmt.value
        elif isinstance(stmt, ir.Return):
            gives, value = True, stmt.value
        elif isinstance(stmt, ir.Evaluate) and isinstance(stmt.value, ir.Call):
            func = stmt.value.func
            gives = (
                isinstance(func, ir.Attribute)
                and func.attr in ("append", "extend")
                and hints.is_prediction(root(func.value))
            )
            value = stmt.value
        else:
            continue
        name = next((t for t in map(_table_read, inside(value)) if t in tables), "")
        if not name and isinstance(stmt, ir.Assign) and context.function is not None:
            continue
        if name and gives:
            yield _looked(facts, stmt, name, tables[name])
            return
        if isinstance(stmt, ir.Return) and isinstance(value, ir.Name) and context.function:
            for bound in idx.bound_to(value.id):
                source = next((t for t in map(_table_read, inside(bound.value)) if t in tables), "")
                if source and bound.context.function is context.function:
                    yield _looked(facts, bound.stmt, source, tables[source])
                    return


def _tables(idx: Index, survey: Survey) -> Iterator[tuple[str, Bound]]:
    """Names that are given a table of answers."""
    for bound in survey.bound:
        names = bound_names(bound.target)
        if names and _table(bound):
            yield from ((name, bound) for name in names)


def _looked(facts: Facts, stmt: ir.Stmt, name: str, table: Bound) -> Finding:
    return facts.finding(
        "OUT303",
        stmt,
        f"the answer is looked up in `{name}`, not predicted",
        related=[(table.stmt, "the table of answers")],
    )


def _table(bound: Bound) -> bool:
    """Whether a name is given answers of test rows by id, or a stored table of answers."""
    value = bound.value
    if value is None or bound.op:
        return False
    if isinstance(value, ir.Comprehension) and value.kind == "dict" and value.key is not None:
        source = {n for _, i in value.loops for n in names_in(i)}
        return (
            any(
                hints.is_id(n) or n in ("question", "text", "prompt", "input")
                for n in names_in(value.key)
            )
            and any(hints.is_label(n) for n in names_in(value.element))
            and any(map(hints.is_test, source))
        )
    if isinstance(value, ir.Call):
        word = last(value.func)
        if word in ("dict", "to_dict"):
            names = list(names_in(value))
            if any(map(hints.is_test, names)):
                return any(map(hints.is_id, names)) and any(map(hints.is_label, names))
        if not _ANSWERS_IN.search(value.unit.text, value.start, value.end):
            return False
        files = [string(e) for e in inside(value) if string(e)]
        reads = [e for e in inside(value) if isinstance(e, ir.Call) and last(e.func) in _READERS]
        if reads and any(_ANSWER_FILE.search(f) and "." in f and "train" not in f for f in files):
            return "class" not in " ".join(files)
    return False


def _table_read(expr: ir.Expr) -> str:
    """The name of the table that an expression reads one answer from, or ''."""
    if isinstance(expr, ir.Subscript) and isinstance(expr.value, ir.Name):
        return "" if isinstance(expr.index, ir.Const | ir.Slice) else expr.value.id
    if isinstance(expr, ir.Call) and isinstance(expr.func, ir.Attribute):
        owner = expr.func.value
        if expr.func.attr in ("get", "pop") and isinstance(owner, ir.Name) and expr.args:
            return "" if isinstance(expr.args[0], ir.Const) else owner.id
        if expr.func.attr in ("map", "replace") and expr.args:
            arg = expr.args[0]
            if isinstance(arg, ir.Name):
                return arg.id
            if isinstance(arg, ir.Attribute) and isinstance(arg.value, ir.Name):
                return arg.value.id
    return ""


# ------------------------------------------------------------------------------------ OUT304
def loaded(facts: Facts) -> Iterator[Finding]:
    """What is scored was read from a file, and no model runs."""
    if (
        hints.is_evaluator(facts.path)
        or hints.is_a_test_file(facts.path)
        or is_declared_evaluator(facts)
    ):
        return
    idx = facts.index
    for name in list(idx.names):
        if not hints.is_prediction(name) or idx.is_changed(name):
            continue
        for bound in idx.bound_to(name):
            if bound.value is None or bound.op:
                continue
            read = _read_of_file(bound.value)
            path = next((string(e) for e in inside(bound.value) if string(e)), "")
            if read is not None and not _written(idx.calls, path) and not _infers(idx.calls):
                where = handed_in(facts, name)
                if where is not None:
                    yield _loaded(facts, bound, name, where)
                    break
            function = (
                function_of(facts, bound.value.func) if isinstance(bound.value, ir.Call) else None
            )
            if function is not None and _stored(function):
                where = handed_in(facts, name)
                if where is not None:
                    yield facts.finding(
                        "OUT304",
                        where,
                        f"`{name}` is what `{function.name}` reads from a file: no inference",
                        related=[(bound.stmt, "read here")],
                    )
                    break


def _loaded(facts: Facts, bound: Bound, name: str, where: ir.Node) -> Finding:
    return facts.finding(
        "OUT304",
        bound.stmt,
        f"`{name}` is read from a file that this code did not write: nothing is inferred, whatever "
        "the model is",
        related=[(where, "scored here")],
    )


def _read_of_file(value: ir.Expr) -> ir.Call | None:
    """The call that reads a file at the bottom of `np.load(p)['a'][:n].values`, or None."""
    while isinstance(value, ir.Subscript | ir.Attribute):
        value = value.value
    if isinstance(value, ir.Call):
        name = last(value.func)
        if name in _READERS - {"open", "read_text"} and value.args:
            text = next((string(e) for e in inside(value.args[0]) if string(e)), "")
            if any(w in text for w in ("model", ".joblib", "weights", "ckpt", "sample")):
                return None
            return value
        if isinstance(value.func, ir.Attribute):
            return _read_of_file(value.func.value)
    return None


def _written(calls: list[Called], path: str) -> bool:
    return any(
        path == string(a)
        for c in calls
        if c.method.startswith(("save", "to_", "dump", "write"))
        for a in c.node.args
    )


def _infers(calls: list[Called]) -> bool:
    return any(
        c.method in _INFERS
        or c.method in ("fit", "train")
        or (isinstance(c.node.func, ir.Name) and c.node.func.id in ("model", "net", "clf", "pipe"))
        for c in calls
    )


def _stored(function: ir.Function) -> bool:
    """Whether all a function gives is read from a file."""
    gives = [s.value for s in ir.statements(function.body) if isinstance(s, ir.Return) and s.value]
    if not gives:
        return False
    local = {
        t.id: s.value
        for s in ir.statements(function.body)
        if isinstance(s, ir.Assign) and s.value is not None
        for t in s.targets
        if isinstance(t, ir.Name)
    }
    return all(
        _read_of_file(g if not isinstance(g, ir.Name) else local.get(g.id, g)) is not None
        for g in gives
    )


# ------------------------------------------------------------------------------------ OUT305
_TEST_PART = re.compile(
    r"(?<![a-z])(test|eval|holdout|held_?out|private|hidden)(?![a-z]*train)", re.I
)
_ANSWERS = re.compile(
    r"(?<![a-z])(labels?|answers?|gold|truths?|ground_?truth|solutions?|targets?)(?![a-z])", re.I
)
_ALWAYS = re.compile(r"(?<![a-z])(gold|answers?|solutions?|ground_?truth)(?![a-z])", re.I)


def gold_read(facts: Facts) -> Iterator[Finding]:
    """A file of the test labels is read by code that does not evaluate."""
    if (
        hints.is_evaluator(facts.path)
        or hints.is_a_test_file(facts.path)
        or is_declared_evaluator(facts)
    ):
        return
    for call in facts.index.calls_of(*_READERS):
        if not call.node.args:
            continue
        mode = string(call.node.args[1]) if len(call.node.args) > 1 else ""
        if call.method == "open" and mode[:1] in ("w", "a", "x"):
            continue
        path = next((string(e) for e in inside(call.node.args[0]) if string(e)), "")
        stem = path.replace("\\", "/")
        if "train" in stem.lower() or "sample" in stem.lower() or "." not in stem:
            continue
        if not _ALWAYS.search(stem) and not (_TEST_PART.search(stem) and _ANSWERS.search(stem)):
            continue
        if _only_evaluated(facts, call):
            continue
        yield facts.finding(
            "OUT305",
            call.node,
            f"`{path}` holds answers of tested rows, and is read where it is not scored against",
        )


def _one_of_several(bound: Bound) -> bool:
    """Whether a name is one of those that a call returns: which of its arguments is not known."""
    return isinstance(bound.stmt, ir.Assign) and isinstance(bound.stmt.targets[0], ir.Sequence)


def _only_evaluated(facts: Facts, call: Called) -> bool:
    """Whether what is read is scored against, and nothing is fitted to it."""
    idx = facts.index
    carriers = {
        b.target.id for b in idx.bound if isinstance(b.target, ir.Name) and b.stmt is call.stmt
    }
    if isinstance(call.stmt, ir.With):
        for inner in ir.statements(call.stmt.body):
            if isinstance(inner, ir.Assign):
                carriers |= {t.id for t in inner.targets if isinstance(t, ir.Name)}
    start = call.node.unit.offset + call.node.start
    later = [b for b in idx.bound if b.stmt.unit.offset + b.stmt.start > start]
    for _ in range(3):
        for b in later:
            if (
                isinstance(b.target, ir.Name)
                and variables_in(b.value) & carriers
                and not hints.is_prediction(b.target.id)
                and not _one_of_several(b)
            ):
                carriers.add(b.target.id)
    scored = False
    for other in idx.calls:
        uses = {e.id for a in other.node.args for e in inside(a) if isinstance(e, ir.Name)} | {
            e.id for _, v in other.node.keywords for e in inside(v) if isinstance(e, ir.Name)
        }
        if not uses & carriers:
            continue
        if other.method in ("fit", "partial_fit", "fit_transform", "train"):
            if other.node.unit.offset + other.node.start < start:
                continue
            plain = {e.id for a in other.node.args for e in inside(a) if isinstance(e, ir.Name)}
            if plain & carriers:
                return False
            scored = True
        if is_metric_call(other) or other.method in ("evaluate", "score", "test"):
            scored = True
    for stmt, _ in facts.walk():
        for expr in ir.expressions(stmt):
            if (
                isinstance(expr, ir.Compare)
                and expr.ops == ("==",)
                and variables_in(expr) & carriers
            ):
                scored = True
    return scored


# ------------------------------------------------------------------------------------ OUT306
_SERVICES = (
    "openai.",
    "anthropic.",
    "cohere.",
    "google.generativeai.",
    "google.genai.",
    "mistralai.",
    "groq.",
    "replicate.",
    "together.",
    "litellm.",
    "huggingface_hub.InferenceClient",
)
_NETWORK = {
    *(name.split(".")[0] for name in _SERVICES),
    *("requests", "httpx", "aiohttp"),
}
_ASKS = {
    "create",
    "complete",
    "completion",
    "generate",
    "generate_content",
    "chat",
    "run",
    "invoke",
    "post",
    "text_generation",
}


def asked(facts: Facts) -> Iterator[Finding]:
    """Predictions are obtained from a hosted model or another service."""
    if not facts.binds(*_NETWORK):
        return
    idx = facts.index
    clients = {
        b.target.id
        for b in idx.bound
        if isinstance(b.target, ir.Name)
        and isinstance(b.value, ir.Call)
        and (
            (facts.resolve(b.value.func) + ".").startswith(_SERVICES)
            or facts.resolve(b.value.func) in ("requests.Session", "httpx.Client")
        )
    }
    for call in idx.calls:
        service = call.name.startswith(_SERVICES) or root(call.node.func) in clients
        http = call.name in ("requests.post", "httpx.post", "aiohttp.post")
        if not (service and call.method in _ASKS) and not http:
            continue
        into = _becomes_prediction(facts, call)
        if into:
            yield facts.finding(
                "OUT306",
                call.node,
                f"`{into}` comes from a service over the network, not from this method's model",
            )
            return


def _becomes_prediction(facts: Facts, call: Called) -> str:
    """The name of predictions that the answer of a call reaches, or ''."""
    idx = facts.index
    carriers: set[str] = set()
    for b in idx.bound:
        if b.stmt is call.stmt and isinstance(b.target, ir.Name):
            if hints.is_prediction(b.target.id):
                return b.target.id
            carriers.add(b.target.id)
    function = call.context.function
    if function is not None:
        carriers.add(function.name)
    for _ in range(3):
        for b in idx.bound:
            if not isinstance(b.target, ir.Name) or not variables_in(b.value) & carriers:
                continue
            if hints.is_prediction(b.target.id):
                return b.target.id
            carriers.add(b.target.id)
        for other in idx.calls:
            func = other.node.func
            if isinstance(func, ir.Attribute) and func.attr in ("append", "extend"):
                uses = {n for a in other.node.args for n in variables_in(a)}
                if uses & carriers:
                    if hints.is_prediction(root(func.value)):
                        return root(func.value)
                    carriers.add(root(func.value))
    return ""


# ------------------------------------------------------------------------------------ OUT307
_COPIES = {
    *("shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copytree", "shutil.move"),
    *("os.symlink", "os.link", "os.rename", "os.replace"),
}
_FINISHED = re.compile(
    r"(?<![a-z])(refs?|references?|fine_?tuned|released?|official|solutions?|pre_?trained|teacher|gold|final_weights)(?![a-z])",
    re.I,
)
_WEIGHTS = re.compile(
    r"model|weights?|checkpoint|ckpt|\.(pt|pth|bin|safetensors|h5|keras|onnx|joblib|pkl)\b", re.I
)
_HARMLESS = re.compile(
    r"tokenizer|vocab|config|merges|special_tokens|\.(json|yaml|yml|txt|md)$", re.I
)


def copied_weights(facts: Facts) -> Iterator[Finding]:
    """Finished weights are copied or linked to where the trained model is expected."""
    for call in facts.index.calls_to(_COPIES, "symlink_to"):
        if call.name in _COPIES and len(call.node.args) >= 2:
            source, target = (_path(facts, a) for a in call.node.args[:2])
        elif (
            call.method == "symlink_to"
            and isinstance(call.node.func, ir.Attribute)
            and call.node.args
        ):
            source, target = _path(facts, call.node.args[0]), _path(facts, call.node.func.value)
        else:
            continue
        if (
            _FINISHED.search(source)
            and _WEIGHTS.search(f"{target} {source}")
            and not _HARMLESS.search(source)
            and not re.search(r"(?<![a-z])(input|cache|tmp|temp)(?![a-z])", target, re.I)
        ):
            yield facts.finding(
                "OUT307",
                call.node,
                f"weights from `{source}` are put where the trained model is expected",
            )


def _path(facts: Facts, expr: ir.Expr, depth: int = 0) -> str:
    """The constant parts of a path, names resolved through one assignment."""
    parts = []
    for e in inside(expr):
        if string(e):
            parts.append(string(e))
        elif isinstance(e, ir.Name) and depth < 2:
            bounds = facts.index.bound_to(e.id)
            if len(bounds) == 1 and bounds[0].value is not None:
                parts.append(_path(facts, bounds[0].value, depth + 1))
    return "/".join(p for p in parts if p)


# ------------------------------------------------------------------------------------ OUT308
_ARITHMETIC = {"%", "//", "<<", ">>", "&", "^"}


def from_ids(facts: Facts) -> Iterator[Finding]:
    """A prediction is computed from a row's id, its index or its position."""
    idx = facts.index
    positions: set[str] = set()
    for stmt, _ in idx.statements(ir.For):
        if (
            isinstance(stmt.iterable, ir.Call)
            and isinstance(stmt.target, ir.Sequence)
            and last(stmt.iterable.func) == "enumerate"
        ):
            positions |= variables_in(stmt.target.elts[0])
    for bound in idx.bound:
        name = last(bound.target)
        if bound.value is not None and hints.is_prediction(name):
            if not _of_ids(bound.value, positions):
                continue
            yield _from(facts, bound.stmt, name)
            return
    for call in idx.calls_of("append"):
        func = call.node.func
        if (
            isinstance(func, ir.Attribute)
            and hints.is_prediction(root(func.value))
            and call.node.args
            and _of_ids(call.node.args[0], positions)
        ):
            yield _from(facts, call.stmt, root(func.value))
            return


def _from(facts: Facts, stmt: ir.Stmt, name: str) -> Finding:
    return facts.finding(
        "OUT308",
        stmt,
        f"`{name}` is computed from a row's id or position: right only while the file's order "
        "says so",
    )


def _of_ids(value: ir.Expr, positions: set[str]) -> bool:
    """Whether an expression is arithmetic on an id, an index or a position, without a model."""
    if any(isinstance(e, ir.Call) and last(e.func) in _MODEL_CALLS for e in inside(value)):
        return False
    for expr in inside(value):
        if isinstance(expr, ir.Binary) and expr.op in _ARITHMETIC:
            for side in (expr.left, expr.right):
                if _is_position(side, positions):
                    return True
    return False


def _is_position(expr: ir.Expr, positions: set[str]) -> bool:
    if isinstance(expr, ir.Name):
        return expr.id in positions
    if isinstance(expr, ir.Subscript):
        return bool(last(expr)) and hints.is_id(last(expr))
    if isinstance(expr, ir.Attribute):
        return expr.attr in ("index", "id", "ids", "idx") and not isinstance(expr.value, ir.Call)
    if isinstance(expr, ir.Call):
        if last(expr.func) in ("arange", "range") and expr.args:
            return _a_length(expr.args[0])
        return last(expr.func) in ("astype", "to_numpy", "int") and any(
            _is_position(e, positions) for e in (*ir.parts(expr.func), *expr.args)
        )
    return False


_PREDICTED = (
    b"pred",
    b"Pred",
    b"hat",
    b"yp",
    b"submission",
    b"forecast",
    b"prob",
    b"guess",
    b"answers",
    b"outputs",
    b"final",
)
_READ = tuple(shape(word + rb"\w*\(", word) for word in (b"load", b"read", b"open"))
# Patterns begin with a literal and know no case: others are searched for ten times slower.
_WORDS = (b"pred", b"Pred", b"hat", b"forecast", b"guess", b"prob", b"submission")
_PREDICTED_NAME = tuple(
    shape(word + rb"\w*[ \t]*(?::[^=\n]*)?=[^=]", word)
    for word in (*_WORDS, b"answers", b"outputs")
)
_MADE_BY_HAND = tuple(
    shape(
        word + rb"\w*[ \t]*=[ \t]*(?:[^\n=]*(?:zeros|ones|full|repeat)(?:_like)?\("
        rb"|(?:[\w.]+\()?[ \t]*[\[(]\s*[-\d\"'TF])",
        word,
    )
    for word in (*_WORDS, b"yp", b"answers", b"outputs")
)
_COMPUTED = tuple(
    shape(
        word + rb"\w*(?:\[[^\]\n]*\]|\.\w+)*[ \t]*(?:=[^=\n]|\.append\()[^\n]*(?:%|//|>>|<<|&|\^)",
        word,
    )
    for word in _WORDS
)
_ANSWERS_FILE = tuple(
    shape(word + rb"[^\"'\n]{0,60}\.\w", word)
    for word in (b"label", b"Label", b"gold", b"answer", b"solution", b"truth", b"target")
)
RULES = (
    FileRule("OUT301", labels_copied, (TESTED, _PREDICTED)),
    FileRule("OUT302", by_hand, (_MADE_BY_HAND,)),
    FileRule(
        "OUT303",
        looked_up,
        (
            (b"dict", b"{", b"answer", b"gold", b"solution", b"truth"),
            (b"id", b"hash", b"md5", b"question", b"key"),
            (*TESTED, b"answer", b"gold", b"solution", b"truth", b"labels_by"),
        ),
    ),
    FileRule("OUT304", loaded, (_PREDICTED_NAME, _READ)),
    FileRule(
        "OUT305",
        gold_read,
        ((b"read", b"load", b"open"), _ANSWERS_FILE),
    ),
    FileRule(
        "OUT306",
        asked,
        (
            (
                b"openai",
                b"anthropic",
                b"post(",
                b"cohere",
                b"genai",
                b"mistral",
                b"groq",
                b"litellm",
                b"replicate",
                b"Inference",
            ),
        ),
    ),
    FileRule(
        "OUT307",
        copied_weights,
        ((b"shutil", b"symlink", b"link(", b"os.re", b".rename(", b"copytree", b"cp"),),
    ),
    FileRule(
        "OUT308",
        from_ids,
        ((b"id", b"index", b"enumerate", b"range"), _COMPUTED),
    ),
)
