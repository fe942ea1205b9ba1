"""Where a file's numbers go: what is printed, logged or written, and under which name."""

from __future__ import annotations

from collections.abc import Iterator

from autosota.agents.check import hints, ir
from autosota.agents.check.facts import Facts
from autosota.agents.check.index import Called, Index, Survey, dotted, last, string

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
    """Every score that leaves the file: its name, its expression and the call that reports it."""
    sent: set[str] = set()
    for word, value, node in facts.index.each(
        _reported, "calls", calling=(*_WRITERS, *_NAMED, "print")
    ):
        if word:
            yield word, value, node
        else:
            yield from _items(facts, value, node, sent, 0)
    for name, word, value, target in facts.index.each(_scores_set, "bound", saying=_parts_of(sent)):
        if name in sent:
            yield word, value, target


def _parts_of(names: set[str]) -> set[str]:
    """The last words of dotted names."""
    return {name.rpartition(".")[2] for name in names}


def _is_score(word: str) -> bool:
    return hints.is_metric(word) and not hints.is_reference(word)


def _reported(idx: Index, survey: Survey) -> Iterator[tuple[str, ir.Expr, ir.Node]]:
    """What calls report under the name of a score, and, under no name, what may hold such."""
    for call in survey.calls.values():
        node = call.node
        if call.method in _NAMED and len(node.args) >= 2 and _is_score(string(node.args[0])):
            yield string(node.args[0]), node.args[1], node
        writes = call.method in _WRITERS
        if not writes and (call.method != "print" or (call.name or dotted(node.func)) != "print"):
            continue
        label = ""
        for arg in [*node.args, *(v for k, v in node.keywords if k not in ("indent", "step"))]:
            if isinstance(arg, ir.Formatted):
                for part in arg.parts:
                    if _is_score(last(part)):
                        yield last(part), part, node
            elif string(arg):
                label = string(arg)
            elif label and not writes:
                if _is_score(label):
                    yield label, arg, node
            elif isinstance(arg, ir.Dict | ir.Name | ir.Call):
                yield "", arg, node


def _scores_set(idx: Index, survey: Survey) -> Iterator[tuple[str, str, ir.Expr, ir.Node]]:
    """`results['accuracy'] = …`: the dictionary, the name of the score, its value and the item."""
    for bound in survey.bound:
        if isinstance(bound.target, ir.Subscript) and bound.value is not None:
            word = string(bound.target.index)
            if _is_score(word):
                yield dotted(bound.target.value), word, bound.value, bound.target


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
            if hints.is_metric(word) and not isinstance(value, ir.Dict):
                yield word, value, node
    elif isinstance(expr, ir.Name):
        sent.add(expr.id)
        bounds = facts.index.bound_to(expr.id)
        if len(bounds) == 1 and isinstance(bounds[0].value, ir.Dict) and bounds[0].op == "":
            yield from _items(facts, bounds[0].value, node, sent, depth + 1)
    elif isinstance(expr, ir.Call) and expr.args and last(expr.func) in ("dumps", "str", "dict"):
        yield from _items(facts, expr.args[0], node, sent, depth + 1)
    elif isinstance(expr, ir.Formatted):
        yield from ((last(p), p, node) for p in expr.parts if _is_score(last(p)))


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
