"""What calls mean: which function is called, and what comes of it.

Functions of the file are followed; functions and methods of libraries are looked up by the last
part of their name in tables of handlers; anything else is a function of its arguments of which
nobody knows more. Fits, predictions and scores are in `fitting`, tables of data in `tables`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autosota.agents.check import fitting, ir, knowledge, splitting, tables
from autosota.agents.check.machine import CALL_DEPTH, Frame, Record
from autosota.agents.check.roles import like_data, role
from autosota.agents.check.values import (
    ABSENT,
    NOTHING,
    Field,
    Obj,
    Value,
    holding,
    join,
    mix,
    ordered,
    reference,
)

if TYPE_CHECKING:
    from autosota.agents.check.evaluate import Machine


@dataclass(slots=True)
class Site:
    """A call that is being made.

    Attributes:
        node: Its expression.
        name: Qualified name of the function, or `''`.
        method: The last part of it.
        receiver: What stands before the last dot.
        args, keywords: What it is given.
    """

    node: ir.Call
    name: str
    method: str
    receiver: Value
    args: list[Value]
    keywords: dict[str, Value]

    def arg(self, position: int, *names: str) -> Value:
        """The argument at this position or by one of these keywords, `NOTHING` for none."""
        if 0 <= position < len(self.args):
            return self.args[position]
        for name in names:
            value = self.keywords.get(name)
            if value is not None:
                return value
        return NOTHING

    def given(self) -> list[Value]:
        """All arguments."""
        return [*self.args, *self.keywords.values()]


Handler = Callable[["Machine", Site], Value]


def call_value(m: Machine, node: ir.Call) -> Value:
    """Evaluate a call."""
    func = node.func
    receiver = NOTHING
    target = NOTHING
    method = ""
    if isinstance(func, ir.Attribute):
        method = func.attr
        receiver = m.eval(func.value)
        if receiver.ref:
            target = reference(f"{receiver.ref}.{method}")
        elif receiver.fields or receiver.objs:
            target = _attribute_target(m, receiver, method)
    else:
        target = m.eval(func)
        method = func.id if isinstance(func, ir.Name) else ""
    args: list[Value] = []
    for arg in node.args:
        value = m.eval(arg)
        if isinstance(arg, ir.Starred):
            elts = value.elts
            args += elts if elts is not None and "repeat" not in value.marks else (value,)
        else:
            args.append(value)
    keywords: dict[str, Value] = {}
    for key, arg in node.keywords:
        value = m.eval(arg)
        if key is not None:
            keywords[key] = value
        else:
            for entry in value.fields:
                if isinstance(entry.key, str):
                    keywords.setdefault(entry.key, entry.value)
    site = Site(node, target.ref, method, receiver, args, keywords)
    if target.ref:
        site.method = target.ref.rsplit(".", 1)[-1]
        result = _function(m, site)
    elif target.objs:
        result = _objects(m, site, target)
    elif isinstance(func, ir.Attribute):
        site.name = _method_name(receiver, method)
        result = _method(m, site)
    else:
        result = _builtin(m, site)
    _note(m, site, result)
    return result


def _note(m: Machine, site: Site, result: Value) -> None:
    old = m.effect.records.get(site.node)
    args = tuple(site.args)
    if old is None:
        m.effect.records[site.node] = Record(
            site.node, site.name, site.method, site.receiver, args, site.keywords, result, m.targets
        )
        return
    old.receiver = join(old.receiver, site.receiver)
    old.result = join(old.result, result)
    old.name = old.name or site.name
    if len(args) == len(old.args):
        old.args = tuple(map(join, old.args, args))
    old.keywords = {
        k: join(v, site.keywords[k]) if k in site.keywords else v for k, v in old.keywords.items()
    }


def _method_name(receiver: Value, method: str) -> str:
    kinds = {o.kind for o in receiver.objs if o.kind}
    return f"{kinds.pop()}.{method}" if len(kinds) == 1 else f".{method}"


def _attribute_target(m: Machine, receiver: Value, method: str) -> Value:
    """The function of this file that `receiver.method` is, if it is one."""
    for obj in ordered(receiver.objs):
        if obj.cls is not None:
            held = m.get((obj, method))
            if held is not None and held.objs:
                return held
            found = m.method_of(obj, method)
            if found is not None:
                return holding(found)
    return NOTHING


def _objects(m: Machine, site: Site, target: Value) -> Value:
    """A call of objects: functions and classes of the file, or models."""
    result: Value | None = None
    for obj in ordered(target.objs):
        if obj.kind in ("function", "method"):
            site.name = obj.node.name if isinstance(obj.node, ir.Function) else ""
            value = follow(m, obj, site)
        elif obj.kind.startswith("class:"):
            value = _instance(m, obj, site)
        else:
            site.name = f"{obj.kind}.__call__"
            value = fitting.called(m, site, obj)
        result = value if result is None else join(result, value)
    return result if result is not None else NOTHING


def _instance(m: Machine, cls: Obj, site: Site) -> Value:
    kind = cls.kind.partition(":")[2] or f"local.{getattr(cls.node, 'name', '')}"
    made = m.obj(site.node, kind, tuple(site.args), tuple(site.keywords.items()), cls=cls.cls)
    site.name = getattr(cls.node, "name", "")
    own = Value(objs=frozenset((made,)))
    rows = mix(site.given())
    start = m.method_of(made, "__init__")
    if start is not None:
        follow(m, start, site)
    if rows.rows and _holds_rows(kind, site.name):
        return Value(rows.rows, rows.fits, own.objs)
    return own


def _holds_rows(kind: str, name: str) -> bool:
    word = (kind + name).lower()
    return "dataset" in word or "loader" in word or "generator" in word or "sequence" in word


def follow(m: Machine, obj: Obj, site: Site) -> Value:
    """Run a function of the file with these arguments."""
    node = obj.node
    if not isinstance(node, ir.Function | ir.Lambda):
        return NOTHING
    m.effect.called.add(node)
    m.effect.units.add(node.unit)
    if m.depth >= CALL_DEPTH or node in m.running:
        return mix(site.given())
    names: dict[str, Value] = {}
    params = list(node.params)
    owner = NOTHING
    static = isinstance(node, ir.Function) and any(
        isinstance(d, ir.Name) and d.id == "staticmethod" for d in node.decorators
    )
    if obj.kind == "method" and params and not static:
        owner = obj.made[0] if obj.made else NOTHING
        names[params[0].name] = owner
        params = params[1:]
    given = list(site.args)
    rest = dict(site.keywords)
    sources: dict[str, ir.Expr] = {}
    for param in params:
        if param.kind == "*":
            names[param.name] = Value(elts=tuple(given))
            given = []
        elif param.kind == "**":
            names[param.name] = NOTHING
        elif given:
            position = len(site.args) - len(given)
            names[param.name] = given.pop(0)
            if position < len(site.node.args):
                sources[param.name] = site.node.args[position]
        elif param.name in rest:
            names[param.name] = rest[param.name]
            source = site.node.keyword(param.name)
            if source is not None:
                sources[param.name] = source
        elif param.default is not None:
            names[param.name] = m.eval(param.default)
        else:
            names[param.name] = NOTHING
    before = m.frame
    inner = Frame(node, names, m.closures.get(obj), owner=owner)
    m.frame = inner
    m.depth += 1
    m.running.add(node)
    targets, m.targets = m.targets, ()
    try:
        if isinstance(node, ir.Lambda):
            result = m.eval(node.body)
        else:
            m.run(node.body)
            result = inner.result if inner.result is not None else NOTHING
    finally:
        m.frame = before
        m.depth -= 1
        m.running.discard(node)
        m.targets = targets
    for name in sorted(inner.changed):
        # A table handed in and changed there is changed here too.
        at = sources.get(name)
        if isinstance(at, ir.Name) and inner.names[name] is not NOTHING:
            m.rebind(at.id, inner.names[name])
    return result


# ------------------------------------------------------------------------------- functions
def _function(m: Machine, site: Site) -> Value:
    name = site.name
    top = name.partition(".")[0]
    handler = FUNCTIONS.get(site.method)
    if handler is not None and (top in knowledge.LIBRARIES or top in _ALSO):
        return handler(m, site)
    if top not in knowledge.LIBRARIES:
        return _unknown(m, site)
    kind = knowledge.family(name)
    if ".models." in name or site.method in ("create_model", "from_pretrained"):
        return Value(objs=frozenset((m.obj(site.node, name.removesuffix(".from_pretrained")),)))
    if kind == "model" and ".datasets." in name and top.startswith("torch"):
        return tables.torch_data(m, site)
    if kind:
        return _construct(m, site, kind)
    if site.method in knowledge.METRICS:
        return fitting.metric(m, site)
    if site.method in knowledge.READERS:
        return tables.read(m, site)
    if site.method in tables.REDUCTIONS:
        return tables.statistic(m, site, site.arg(0, "a", "x"))
    if top in ("numpy", "scipy", "torch", "tensorflow", "keras", "jax"):
        value = mix(site.given())
        if value.rows or value.fits or value.preds:
            return value
        return Value(marks=frozenset(("random",))) if ".random." in name else NOTHING
    return _unknown(m, site)


_ALSO = frozenset(("joblib", "pickle", "copy", "random", "tqdm", "itertools", "math"))


def _construct(m: Machine, site: Site, kind: str) -> Value:
    made = m.obj(site.node, site.name, tuple(site.args), tuple(site.keywords.items()))
    own = frozenset((made,))
    data = mix(site.given())
    if data.rows and kind == "model":
        # A data set or a loader around rows, an explainer, a wrapper.
        return Value(data.rows, data.fits, own, preds=data.preds)
    return holding(made)


def _unknown(m: Machine, site: Site) -> Value:
    """A function that nobody knows: its result holds some of the rows it was given."""
    if site.name.startswith(("matplotlib", "seaborn", "plotly")) or site.method in _SILENT:
        return NOTHING
    _hand_over(m, site)
    value = mix(site.given())
    if not (value.rows or value.fits or value.preds):
        objs = frozenset(o for v in site.given() for o in v.objs)
        if len(objs) == 1:
            return Value(objs=objs)
        return NOTHING if objs else _fresh(m, site)
    value = value._replace(
        rows=frozenset(m.part(p, "filter", site.node, node=site.node) for p in value.rows)
    )
    return value


def _hand_over(m: Machine, site: Site) -> None:
    """A function nobody knows that is given both sides of a split: it trains and tests, as like."""
    sides = [v for v in site.given() if v.rows]
    train = [v for v in sides if "train" in v.roles]
    test = [v for v in sides if v.roles & {"test", "validation"} and "train" not in v.roles]
    if train and test:
        m.event(
            "handed",
            site.node,
            site.name or site.method,
            data=(fitting.lean(train[0]), fitting.lean(test[0])),
        )


def _fresh(m: Machine, site: Site) -> Value:
    """Rows that a function nobody knows gives, when the names they get say that they are rows."""
    names = m.targets
    if not names or not all(like_data(n) for n in names):
        return NOTHING
    kinds = [role(n) for n in names]
    rows = [
        frozenset((m.part(None, "root", (site.node, kind), role=kind, name=n, node=site.node),))
        for n, kind in zip(names, kinds, strict=True)
    ]
    if len(set(kinds)) > 1:
        return Value(elts=tuple(Value(r) for r in rows))
    first = m.part(None, "root", (site.node, kinds[0]), role=kinds[0], name="", node=site.node)
    return Value(frozenset((first,)))


_SILENT = frozenset(
    [
        "print",
        "len",
        "range",
        "display",
        "isinstance",
        "type",
        "hasattr",
        "getattr",
        "id",
        "open",
        "exit",
        "input",
        "dir",
        "help",
        "format",
        "describe",
        "info",
        "plot",
        "show",
        "hist",
        "figure",
        "subplots",
        "savefig",
        "title",
        "xlabel",
        "ylabel",
        "legend",
        "to_csv",
        "heatmap",
        "countplot",
        "distplot",
        "dump",
        "save",
        "to_excel",
        "to_pickle",
        "to_html",
    ]
)


def _first(m: Machine, site: Site) -> Value:
    """Its first argument, as far as rows go."""
    return site.arg(0, "data", "object", "a", "iterable", "obj")


def _builtin(m: Machine, site: Site) -> Value:
    """A name that nothing binds: a builtin, or something undefined."""
    name = site.method
    first = site.arg(0)
    if name in ("list", "tuple", "sorted", "iter", "reversed", "copy", "deepcopy", "tqdm"):
        return first
    if name == "enumerate":
        return _repeat(Value(elts=(NOTHING, _element(first))))
    if name == "zip":
        return _repeat(Value(elts=tuple(map(_element, site.args))))
    if name == "map" and len(site.args) > 1:
        return _repeat(_element(site.args[1]))
    if name == "filter" and len(site.args) > 1:
        return _repeat(_element(site.args[1]))
    if name == "next":
        return _element(first)
    if name == "dict":
        fields = tuple(_field(k, v) for k, v in site.keywords.items())
        return Value(fields=(*first.fields, *fields), marks=frozenset(("dict",)), objs=first.objs)
    if name in ("len", "range") and first.rows and name == "range":
        return NOTHING
    if name in ("max", "min", "sum") and (first.rows or first.fits):
        return tables.statistic(m, site, first)
    if name in ("int", "float", "abs", "round", "max", "min", "sum", "str", "set"):
        return first._replace(const=ABSENT, elts=None) if first is not NOTHING else NOTHING
    if name in _SILENT:
        return NOTHING
    return _unknown(m, site)


def _field(key: str, value: Value) -> Field:
    return Field(key, value)


def _repeat(item: Value) -> Value:
    return Value(elts=(item,), marks=frozenset(("repeat",)))


def _element(value: Value) -> Value:
    from autosota.agents.check.rows import element

    return element(value)


def _enumerate(m: Machine, site: Site) -> Value:
    return _builtin(m, site)


# --------------------------------------------------------------------------------- methods
def _method(m: Machine, site: Site) -> Value:
    """A method of an object, of data, or of something unknown."""
    name = site.method
    receiver = site.receiver
    handler = METHODS.get(name)
    if handler is not None:
        result = handler(m, site)
        if result is not None:
            return result
    if receiver.objs and not receiver.rows:
        if name in ("append", "extend", "add", "insert", "update"):
            return _grow(m, site)
        value = mix(site.given())
        if value.rows or value.fits or value.preds:
            return value._replace(
                rows=frozenset(m.part(p, "filter", site.node, node=site.node) for p in value.rows)
            )
        return Value(objs=receiver.objs)
    if name in ("append", "extend", "add", "insert", "update") and not receiver.rows:
        return _grow(m, site)
    if name == "items" and receiver.fields:
        return _repeat(Value(elts=(NOTHING, _element(receiver))))
    if name == "values" and receiver.fields and not receiver.rows:
        return _repeat(_element(receiver))
    if name in ("keys", "get_params", "set_params", "compile", "summary") and not receiver.rows:
        return Value(objs=receiver.objs) if name == "set_params" else NOTHING
    return tables.method(m, site)


def _grow(m: Machine, site: Site) -> Value:
    """Something was put into a list, set or dict."""
    if not isinstance(site.node.func, ir.Attribute) or not site.args:
        return NOTHING
    item = site.args[-1]
    holder = site.node.func.value
    old = site.receiver
    if site.method == "extend":
        item = _element(item)
    if site.receiver.objs and not site.receiver.elts and not site.receiver.marks:
        return NOTHING
    if site.method == "update":
        for entry in item.fields:
            m.change(holder, entry.value, entry.key)
        return NOTHING
    if item is NOTHING and not old.elts:
        return NOTHING
    if item.fits and "metric" in item.marks:
        m.change(holder, item, None)
        return NOTHING
    m.change(holder, item, None)
    return NOTHING


FUNCTIONS: dict[str, Handler] = {
    **splitting.FUNCTIONS,
    **tables.FUNCTIONS,
    **fitting.FUNCTIONS,
    "tqdm": _first,
    "tqdm_notebook": _first,
    "deepcopy": _first,
    "load_model": lambda m, site: Value(objs=frozenset((m.obj(site.node, site.name),))),
}  # fmt: skip
METHODS: dict[str, Callable[[Machine, Site], Value | None]] = {
    **splitting.METHODS,
    **fitting.METHODS,
}
