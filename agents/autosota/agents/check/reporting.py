"""Where a file's numbers go: what is printed, logged or written, and under which name."""

from __future__ import annotations

from collections.abc import Iterator

from autosota.agents.check import hints, ir
from autosota.agents.check.facts import Facts
from autosota.agents.check.index import Called, dotted, last, string

_WRITERS = {
    *("dump", "dumps", "log", "log_metrics", "log_dict", "write", "write_text", "safe_dump"),
    *("to_csv", "to_json", "save", "savez", "report", "update", "add_scalars"),
}
_NAMED = {"log_metric", "add_scalar", "scalar", "logkv", "record", "set_metric", "log"}
_METRIC_MODULES = (
    "sklearn.metrics.",
    "torchmetrics.",
    "evaluate.",
    "sacrebleu.",
    "rouge_score.",
    "seqeval.metrics.",
    "scipy.stats.",
)
_METRIC_ENDINGS = ("_score", "_error", "_loss", "accuracy", "_report", "_matrix")


def is_metric_call(call: Called) -> bool:
    """Whether a call computes a score from true and predicted values."""
    if call.name.startswith(_METRIC_MODULES):
        return True
    return len(call.node.args) >= 2 and (
        hints.is_metric(call.method) or call.method.endswith(_METRIC_ENDINGS)
    )


def reported(facts: Facts) -> Iterator[tuple[str, ir.Expr, ir.Node]]:
    """Every number that leaves the file: its name, its expression and the call that reports it."""
    sent: set[str] = set()
    for call in facts.index.calls_of(*_NAMED, *_WRITERS, "print"):
        name = call.name or dotted(call.node.func)
        args = [*call.node.args, *(v for k, v in call.node.keywords if k not in ("indent", "step"))]
        if call.method in _NAMED and len(call.node.args) >= 2 and string(call.node.args[0]):
            yield string(call.node.args[0]), call.node.args[1], call.node
        if call.method in _WRITERS:
            for arg in args:
                yield from _items(facts, arg, call.node, sent, 0)
        elif name == "print":
            label = ""
            for arg in args:
                if isinstance(arg, ir.Formatted):
                    for part in arg.parts:
                        yield last(part) or "", part, call.node
                elif string(arg):
                    label = string(arg)
                elif label:
                    yield label, arg, call.node
                else:
                    yield from _items(facts, arg, call.node, sent, 0)
    for bound in facts.index.bound:
        if (
            isinstance(bound.target, ir.Subscript)
            and bound.value is not None
            and dotted(bound.target.value) in sent
            and string(bound.target.index)
        ):
            yield string(bound.target.index), bound.value, bound.target


def _items(
    facts: Facts, expr: ir.Expr, node: ir.Node, sent: set[str], depth: int
) -> Iterator[tuple[str, ir.Expr, ir.Node]]:
    """The items of a dictionary that is reported, through one name and nested dictionaries."""
    if depth > 3:
        return
    if isinstance(expr, ir.Dict):
        for key, value in expr.items:
            word = string(key) if key is not None else ""
            if hints.is_reference(word):
                continue
            if isinstance(value, ir.Dict | ir.Name):
                yield from _items(facts, value, node, sent, depth + 1)
            if word and not isinstance(value, ir.Dict):
                yield word, value, node
    elif isinstance(expr, ir.Name):
        sent.add(expr.id)
        bounds = facts.index.bound_to(expr.id)
        if len(bounds) == 1 and isinstance(bounds[0].value, ir.Dict) and bounds[0].op == "":
            yield from _items(facts, bounds[0].value, node, sent, depth + 1)
    elif isinstance(expr, ir.Call) and expr.args and last(expr.func) in ("dumps", "str", "dict"):
        yield from _items(facts, expr.args[0], node, sent, depth + 1)
    elif isinstance(expr, ir.Formatted):
        for part in expr.parts:
            yield last(part), part, node


def handed_in(facts: Facts, name: str) -> ir.Node | None:
    """Where a variable is scored or written as an answer: the call or comparison, or None."""
    carriers = {name}
    for bound in facts.index.bound:
        if (
            isinstance(bound.target, ir.Name)
            and bound.value is not None
            and isinstance(bound.value, ir.Call)
            and last(bound.value.func) in ("DataFrame", "Series", "array", "asarray", "concat")
            and any(isinstance(e, ir.Name) and e.id == name for e in ir.expressions(bound.value))
        ):
            carriers.add(bound.target.id)
    for call in facts.index.calls:
        uses = {e.id for e in ir.expressions(call.node) if isinstance(e, ir.Name)}
        if name in uses and is_metric_call(call):
            return call.node
        if carriers & uses and call.method in (
            "to_csv",
            "to_json",
            "savetxt",
            "to_parquet",
            "dump",
        ):
            return call.node
    for stmt, _ in facts.walk():
        for expr in ir.expressions(stmt):
            if isinstance(expr, ir.Compare) and expr.ops == ("==",):
                sides = [dotted(o) for o in expr.operands]
                inner = [
                    e.id
                    for o in expr.operands
                    for e in (o, *ir.expressions(o))
                    if isinstance(e, ir.Name)
                ]
                if name in inner and any(
                    hints.is_label(s) or hints.is_test(s) for s in sides if s and s != name
                ):
                    return expr
    return None
