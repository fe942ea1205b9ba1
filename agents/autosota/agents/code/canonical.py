"""One form for calls that libraries let be written in several.

`np.mean(x, axis=1)`, `x.mean(1)` and `x.mean(dim=1)` are one computation, and so are
`f1_score(y, p)` and `f1_score(y_true=y, y_pred=p)`. A call in another form than the base's is
then no difference. Only spellings are known here, no meaning.
"""

from __future__ import annotations

import re

from autosota.agents.code.values import Value, literal

_AS_METHOD = re.compile(
    r"^(numpy|torch|jax\.numpy|tensorflow|tensorflow\.math|torch\.nn\.functional|jax\.nn|cupy)\."
    r"(mean|sum|argmax|argmin|std|var|abs|absolute|sqrt|exp|log|reshape|ravel|flatten|squeeze"
    r"|transpose|clip|clamp|round|cumsum|prod|any|all|argsort|softmax|log_softmax|sigmoid|tanh|relu"
    r"|median|unsqueeze|max|min|amax|amin|square|pow|dot|matmul|floor|ceil|isnan|eq|ne|reduce_mean"
    r"|reduce_sum|topk|norm|where_|diff|nonzero|repeat|trace|cumprod|swapaxes|expand_dims)$"
)
_ONE_NAME = {
    "absolute": "abs", "clamp": "clip", "amax": "max", "amin": "min", "reduce_mean": "mean",
    "reduce_sum": "sum", "flatten": "flatten", "view": "reshape", "permute": "transpose",
}  # fmt: skip
_AXIS_FIRST = {
    "mean", "sum", "argmax", "argmin", "std", "var", "softmax", "log_softmax", "cumsum", "any",
    "all", "argsort", "prod", "median", "max", "min", "squeeze", "unsqueeze", "cumprod",
}  # fmt: skip
_ONE_KEYWORD = {"dim": "axis", "keepdim": "keepdims", "descending_": "descending"}
_PAIR = ("y_true", "y_pred")
_PAIRED = {"y_pred", "y_score", "y_prob", "y_proba", "y_hat", "labels_pred"}
_METRICS = re.compile(
    r"^sklearn\.metrics\.|^scipy\.stats\.|^torch\.nn\.functional\.\w*(loss|entropy)"
)
_ORDERS = {
    "sklearn": (("y_true", "labels_true"), tuple(sorted(_PAIRED))),
    "torch": (("input",), ("target",)),
    "scipy": (("x", "a"), ("y", "b")),
}


def canonical(kind: str, name: str, parts: tuple[Value, ...]) -> tuple[str, str, tuple[Value, ...]]:
    """A call's kind, name and arguments in the one form."""
    if kind == "call":
        if _METRICS.match(name):
            return kind, name, _in_order(name, parts)
        found = _AS_METHOD.match(name)
        if found is None or not parts or parts[0].kind in ("kw", "star"):
            return kind, name, parts
        kind, name = "method", found.group(2)
    last = _ONE_NAME.get(name, name)
    if last not in _AXIS_FIRST:
        return kind, last if last == "abs" or last == "clip" else name, parts
    plain = [p for p in parts if p.kind != "kw"]
    named = {_ONE_KEYWORD.get(p.head, p.head): p.kids[0] for p in parts if p.kind == "kw"}
    if len(plain) == 2 and "axis" not in named and _is_axis(plain[1]):
        named["axis"] = plain.pop()
    kept = [(n, v) for n, v in named.items() if not (n == "axis" and literal(v) == (None,))]
    words = [Value("kw", n, (v,), 0, (v.path, v.line, v.symbol)) for n, v in sorted(kept)]
    return kind, last, (*plain, *words)


def _is_axis(value: Value) -> bool:
    found = literal(value)
    if found:
        return isinstance(found[0], int | None) and not isinstance(found[0], bool)
    return value.kind == "seq" and all(literal(k) for k in value.kids)


def _in_order(name: str, parts: tuple[Value, ...]) -> tuple[Value, ...]:
    """The first two arguments of a metric by position."""
    firsts, seconds = _ORDERS[name.partition(".")[0]]
    plain = [p for p in parts if p.kind != "kw"]
    named = {p.head: p for p in parts if p.kind == "kw"}
    for wanted in (firsts, seconds):
        if len(plain) >= 2:
            break
        found = next((n for n in wanted if n in named), None)
        if found is None or (wanted is seconds and len(plain) < 1):
            break
        plain.append(named.pop(found).kids[0])
    return (*plain, *named.values())
