"""What a piece of code means, as a short hash that survives what does not matter.

Two pieces with the same fingerprint do the same thing: comments, docstrings, type hints,
formatting, quotes, the order and the spelling of imports, the names of local variables and
lines that only log are left out. Different fingerprints prove nothing about behaviour.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterable, Mapping

_SKIP = {"annotation", "returns", "type_comment", "ctx", "type_params", "type_ignores", "kind"}
_LOGGERS = {"logging", "logger", "log", "_logger", "LOGGER", "LOG", "loguru", "warnings", "rich"}
_LOG_METHODS = {"debug", "info", "warning", "warn", "error", "critical", "exception", "log"}
_PURE = {
    "len", "round", "float", "int", "str", "repr", "format", "sum", "min", "max", "abs", "sorted",
    "list", "dict", "tuple", "type", "join", "item", "mean", "std", "time", "perf_counter",
    "strftime", "now", "upper", "lower", "ljust", "rjust", "keys", "values", "items", "numel",
    "parameters", "shape", "size", "tolist", "cpu", "detach", "get_last_lr", "getLogger", "any",
    "all", "range", "enumerate", "zip", "bincount", "unique", "named_parameters",
}  # fmt: skip
"""Calls that a line may make and still only log."""

_BINDS = (ast.AnnAssign, ast.AugAssign, ast.For, ast.comprehension, ast.NamedExpr)

METRIC_LINE = "METRIC"
"""A print that holds this word is a report of a metric, never a log line."""


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a chain of names, or '' for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def mentions(node: ast.AST, word: str) -> bool:
    """True when some string constant below a node holds a word."""
    return any(
        isinstance(n, ast.Constant) and isinstance(n.value, str) and word in n.value
        for n in ast.walk(node)
    )


def only_logs(statement: ast.stmt) -> bool:
    """True for a line that writes to a log or the terminal and does nothing else.

    A print of a metric, and a call that could change something, are not logging.
    """
    if not isinstance(statement, ast.Expr):
        return False
    value = statement.value
    if isinstance(value, ast.Constant):
        return True
    if not isinstance(value, ast.Call):
        return False
    name = dotted(value.func)
    root, _, last = name.rpartition(".")
    function = value.func
    holder = function.value if isinstance(function, ast.Attribute) else function
    if isinstance(holder, ast.Call) and dotted(holder.func).endswith("getLogger"):
        root, last = "logger", getattr(function, "attr", "")
    logs = (
        name in ("print", "tqdm.write", "pprint", "pprint.pprint", "logging.basicConfig")
        or (last in _LOG_METHODS and bool(root) and _logger(root))
        or (root in ("console", "rich") and last == "print")
    )
    if not logs or mentions(value, METRIC_LINE) or any(k.arg == "file" for k in value.keywords):
        return False
    for part in ast.walk(value):
        if part is value or not isinstance(part, ast.Call):
            if isinstance(part, ast.NamedExpr | ast.Yield | ast.YieldFrom | ast.Await):
                return False
            continue
        called = part.func.attr if isinstance(part.func, ast.Attribute) else dotted(part.func)
        if called not in _PURE:
            return False
    return True


def _logger(root: str) -> bool:
    last = root.rsplit(".", 1)[-1]
    return last in _LOGGERS or last.lower().endswith("logger")


def fingerprint(
    nodes: Iterable[ast.AST],
    resolve: Callable[[str], str] = lambda name: name,
    local: Mapping[str, str] | None = None,
) -> str:
    """Sixteen hexadecimal digits for a sequence of nodes.

    Args:
        nodes: statements or expressions, in order.
        resolve: what an imported name really is (`np` → `numpy`).
        local: local names and what they are called in the canonical form.
    """
    out: list[str] = []
    for node in nodes:
        if not (isinstance(node, ast.stmt) and trivial(node)):
            _write(node, out, resolve, local or {})
    return hashlib.blake2b("\x1f".join(out).encode("utf-8", "replace"), digest_size=8).hexdigest()


def trivial(statement: ast.stmt) -> bool:
    """True for statements without meaning of their own: imports, `pass`, docstrings, logging."""
    if isinstance(statement, ast.Pass | ast.Import | ast.ImportFrom):
        return True
    return only_logs(statement)


def _write(
    node: ast.AST, out: list[str], resolve: Callable[[str], str], local: Mapping[str, str]
) -> None:
    if isinstance(node, ast.Name):
        out.append(local.get(node.id) or resolve(node.id))
        return
    if isinstance(node, ast.Constant):
        out.append(f"{type(node.value).__name__}:{node.value!r}")
        return
    if isinstance(node, ast.Attribute):
        name = dotted(node)
        root, _, rest = name.partition(".")
        if name and root not in local:
            out.append(f"{resolve(root)}.{rest}")
            return
        out.append("." + node.attr)
        _write(node.value, out, resolve, local)
        return
    if isinstance(node, ast.arg):
        out.append(local.get(node.arg, node.arg))
        return
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        node = ast.Assign([node.target], node.value)
    out.append(type(node).__name__)
    for name in node._fields:
        if name in _SKIP:
            continue
        value = getattr(node, name, None)
        if isinstance(value, list):
            out.append("[")
            for item in value:
                if isinstance(item, ast.stmt):
                    if trivial(item):
                        continue
                    _write(item, out, resolve, local)
                elif isinstance(item, ast.AST):
                    _write(item, out, resolve, local)
                else:
                    out.append(str(item))
            out.append("]")
        elif isinstance(value, ast.AST):
            _write(value, out, resolve, local)
        else:
            out.append(str(value))


def local_names(function: ast.AST) -> dict[str, str]:
    """The names a function binds for itself, numbered in the order of their first sight."""
    found: dict[str, str] = {}
    outer: set[str] = set()
    arguments = getattr(function, "args", None)
    for node in ast.walk(function):
        if isinstance(node, ast.Global | ast.Nonlocal):
            outer.update(node.names)
    if isinstance(arguments, ast.arguments):
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
        for argument in every:
            found.setdefault(argument.arg, f"%{len(found)}")
    for node in ast.walk(function):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = list(node.targets)
        elif isinstance(node, _BINDS):
            targets = [node.target]
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            targets = [node.optional_vars]
        while targets:
            target = targets.pop(0)
            if isinstance(target, ast.Name):
                found.setdefault(target.id, f"%{len(found)}")
            elif isinstance(target, ast.Tuple | ast.List):
                targets = [*target.elts, *targets]
            elif isinstance(target, ast.Starred):
                targets = [target.value, *targets]
    return {name: code for name, code in found.items() if name not in outer}
