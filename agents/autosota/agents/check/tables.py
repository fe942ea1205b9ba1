"""Tables: reading them, and what the methods of pandas and numpy do to rows and to learning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autosota.agents.check import ir, knowledge
from autosota.agents.check.roles import role
from autosota.agents.check.rows import element, fewer, index_root, put_together
from autosota.agents.check.splitting import complement
from autosota.agents.check.stored import constant_words, without
from autosota.agents.check.values import ABSENT, NOTHING, Event, Field, Part, Value, join, mix

if TYPE_CHECKING:
    from autosota.agents.check.calls import Site
    from autosota.agents.check.evaluate import Machine

REDUCTIONS = knowledge.STATISTICS


# -------------------------------------------------------------------------------- reading
def read(m: Machine, site: Site) -> Value:
    """Rows that are read (or made up) here."""
    given = mix(site.given())
    if given.rows:
        return given
    name = m.targets[0] if m.targets else ""
    source = next((v.const for v in site.args if isinstance(v.const, str)), "")
    if site.method == "load_data":
        return _two_sides(m, site)
    if site.method in ("load_dataset", "load_from_disk") and site.name.startswith("datasets."):
        return _hub(m, site)
    if site.method == "load" and site.name.startswith("tensorflow_datasets"):
        return _hub(m, site)
    meant = role(source.rsplit("/", 1)[-1].rsplit("\\", 1)[-1]) or role(name)
    key = ("file", source) if source and site.method.startswith("read_") else site.node
    part = m.part(None, "root", key, role=meant, name=name or source, node=site.node)
    rows = frozenset((part,))
    marks = frozenset((f"file:{source}",)) if source else frozenset()
    if site.name.startswith(("pandas.", "polars.")):
        marks = marks | {"table"}
    if site.keywords.get("return_X_y", NOTHING).const is True:
        return Value(elts=(Value(rows), Value(rows, marks=frozenset(("label",)))))
    if site.method.startswith(("make_", "load_svmlight")):
        return Value(elts=(Value(rows), Value(rows, marks=frozenset(("label",)))))
    if site.method.startswith(("load_", "fetch_")) and site.name.startswith("sklearn."):
        return Value(rows, marks=marks | {"bunch"})
    return Value(rows, marks=marks)


def torch_data(m: Machine, site: Site) -> Value:
    """`torchvision.datasets.CIFAR10(root, train=False)`."""
    flag = site.keywords.get("train", NOTHING).const
    split = site.keywords.get("split", site.arg(1) if len(site.args) > 1 else NOTHING).const
    if flag is ABSENT and isinstance(split, bool):
        flag = split
    meant = {True: "train", False: "test"}.get(flag, "") if isinstance(flag, bool) else ""
    if not meant and isinstance(split, str):
        meant = role(split)
    title = next((v.const for v in site.args if isinstance(v.const, str)), "")
    key = ("hub", site.name, title, meant or site.node)
    name = m.targets[0] if m.targets else meant
    part = m.part(None, "root", key, role=meant or role(name), name=name, node=site.node)
    return Value(frozenset((part,)))


def _two_sides(m: Machine, site: Site) -> Value:
    """`keras.datasets.mnist.load_data()`."""
    sides = []
    for meant in ("train", "test"):
        part = m.part(None, "root", (site.node, meant), role=meant, name=meant, node=site.node)
        rows = frozenset((part,))
        sides.append(Value(elts=(Value(rows), Value(rows, marks=frozenset(("label",))))))
    return Value(elts=tuple(sides))


def _hub(m: Machine, site: Site) -> Value:
    """`load_dataset(name, split=...)`: one root per named split."""
    title = "/".join(str(v.const) for v in site.args if isinstance(v.const, str))
    split = site.keywords.get("split", NOTHING)
    words = [split.const] if isinstance(split.const, str) else []
    if split.elts is not None:
        found = tuple(
            Value(_named(m, site, title, v.const)) for v in split.elts if isinstance(v.const, str)
        )
        if len(found) == len(split.elts):
            return Value(elts=found)
    if words:
        return Value(_named(m, site, title, words[0]), marks=frozenset((f"split:{words[0]}",)))
    fields = tuple(
        Field(name, Value(_named(m, site, title, name)))
        for name in ("train", "validation", "test", "valid", "dev", "unsupervised")
    )
    return Value(fields=fields, marks=frozenset(("dict",)))


def _named(m: Machine, site: Site, title: str, split: object) -> frozenset[Part]:
    parts = set()
    for piece in str(split).split("+"):
        name, _, cut = piece.partition("[")
        name = name.strip()
        root = m.part(
            None, "root", ("hub", title, name), role=role(name), name=name, node=site.node
        )
        if cut:
            low, _, high = cut.rstrip("]").partition(":")
            root = m.part(root, "slice", (low, high), node=site.node, bounds=(low, high))
        parts.add(root)
    return frozenset(parts)


# ------------------------------------------------------------------------------- learning
def statistic(m: Machine, site: Site, data: Value) -> Value:
    """A number learned from rows: a mean, a quantile."""
    if "window" in data.marks:
        return data._replace(marks=data.marks - {"window"})
    if "agreement" in data.marks:
        return Value(fits=data.fits, marks=frozenset(("metric",)))
    if "metric" in data.marks:
        return data._replace(const=ABSENT, elts=None)
    if data.elts is not None and not data.rows:
        return element(data)
    axis = site.arg(
        0 if isinstance(site.node.func, ir.Attribute) and data is site.receiver else 1, "axis"
    ).const
    if axis in (1, "columns", -1):
        return data
    if not data.rows or data.preds:
        return Value(fits=data.fits, preds=data.preds)
    if "mask" in data.marks or site.method in ("sum", "prod"):
        return NOTHING
    seen = m.event("statistic", site.node, site.name or f".{site.method}", data=(lean(data),))
    return Value(fits=data.fits | {seen}, marks=frozenset(("statistic",)))


def lean(value: Value) -> Value:
    """Rows and learning only, for events."""
    return Value(value.rows, value.fits, preds=value.preds, marks=value.marks)


def learned(m: Machine, site: Site, data: Value, kind: str = "learn") -> Value:
    """Rows transformed by what was learned from these same rows."""
    if not data.rows:
        return data
    seen = m.event(kind, site.node, site.name or f".{site.method}", data=(lean(data),))
    return data._replace(fits=data.fits | {seen}, elts=None, const=ABSENT)


def cut(m: Machine, site: Site) -> Value:
    """`pd.cut(x, 5)`, `pd.qcut`: bins from the data, unless their edges are written down."""
    data = site.arg(0, "x")
    bins = site.arg(1, "bins", "q")
    if site.method == "cut" and (bins.elts is not None or not isinstance(bins.const, int)):
        return data
    if site.method == "cut" and isinstance(bins.const, bool):
        return data
    return learned(m, site, data, "statistic")


def scale(m: Machine, site: Site) -> Value:
    """`sklearn.preprocessing.scale(X)` and its like."""
    return learned(m, site, site.arg(0, "X", "x", "a"))


def concat(m: Machine, site: Site) -> Value:
    """`pd.concat`, `np.concatenate`, `np.vstack`, `np.hstack`."""
    first = site.arg(0, "objs", "arrays", "tup", "datasets", "dsets")
    values = first.elts if first.elts is not None else tuple(site.args)
    if first.fields and first.elts is None:
        values = tuple(f.value for f in first.fields)
    added = site.method == "append"
    axis = site.arg(2 if added else 1, "axis").const
    if added and axis is ABSENT:
        return mix(values)
    side = axis in (1, -1, "columns") or site.method in ("hstack", "column_stack", "c_")
    if side or "repeat" in first.marks:
        return put_together(m, site.node, values, by_rows=False)
    return put_together(m, site.node, values, by_rows=True)


def frame(m: Machine, site: Site) -> Value:
    """`pd.DataFrame(data)`, `pd.Series(data)`."""
    data = site.arg(0, "data")
    if data.fields and not data.rows:
        whole = mix(f.value for f in data.fields)
        return Value(whole.rows, whole.fits, fields=data.fields)
    if data.elts is not None:
        whole = mix(data.elts)
        return Value(whole.rows, whole.fits, preds=whole.preds)
    return data._replace(const=ABSENT, marks=data.marks & {"label"})


def same(m: Machine, site: Site) -> Value:
    """`np.array(x)`, `pd.to_numeric(x)`: the same rows."""
    data = site.arg(0, "a", "x", "data", "object", "arr", "obj", "sequences", "dataset", "tensor")
    if data.elts is not None and data.elts and not data.rows and "repeat" not in data.marks:
        whole = mix(data.elts)
        return whole if whole.rows or whole.preds else data
    if data.elts and "repeat" in data.marks:
        return element(data)
    return data._replace(const=ABSENT) if data is not NOTHING else NOTHING


def where(m: Machine, site: Site) -> Value:
    """`np.where(condition, a, b)`; with the condition alone, row numbers."""
    if len(site.args) == 1:
        mask = site.args[0]
        if mask.rows:
            index = mask._replace(marks=frozenset(("index",)))
            return Value(elts=(index,))
        return NOTHING
    value = mix(site.args[1:3])
    if not value.rows and "mask" not in site.args[0].marks:
        return mix(site.args)
    return value._replace(fits=value.fits | site.args[0].fits)


def repeat(m: Machine, site: Site) -> Value:
    """`np.repeat(X, n)`, `np.tile`: every row several times."""
    data = site.arg(0, "a", "A")
    rows = frozenset(m.part(p, "copies", site.node, node=site.node) for p in data.rows)
    return data._replace(rows=rows)


def merge(m: Machine, site: Site) -> Value:
    """`pd.merge(left, right)`: the rows of the left one."""
    left, right = site.arg(0, "left"), site.arg(1, "right")
    return left._replace(fits=left.fits | right.fits, elts=None)


FUNCTIONS = {
    "concat": concat, "concatenate": concat, "vstack": concat, "hstack": concat,
    "row_stack": concat, "column_stack": concat, "append": concat, "ConcatDataset": concat,
    "concatenate_datasets": concat, "stack": concat,
    "DataFrame": frame, "Series": frame,
    "array": same, "asarray": same, "to_numeric": same, "to_datetime": same, "get_dummies": same,
    "pad_sequences": same, "to_categorical": same, "csr_matrix": same, "squeeze": same,
    "expand_dims": same, "ravel": same, "reshape": same, "log1p": same, "exp": same, "log": same,
    "expm1": same, "sqrt": same, "nan_to_num": same, "DataLoader": same, "TensorDataset": same,
    "from_numpy": same, "tensor": same, "as_tensor": same, "FloatTensor": same, "round": same,
    "LongTensor": same, "Variable": same, "DMatrix": same, "Dataset": same, "Pool": same,
    "argmax": same, "add_constant": same, "from_tensor_slices": same, "loads": read,
    "normalize": same, "binarize": same, "label_binarize": same, "asanyarray": same,
    "where": where, "repeat": repeat, "tile": repeat, "merge": merge,
    "cut": cut, "qcut": cut,
    **{name: scale for name in knowledge.LEARNING_FUNCTIONS},
}  # fmt: skip

_SAME_INDEX = frozenset(("isin",))


def method(m: Machine, site: Site) -> Value:
    """A method of data."""
    name, base = site.method, site.receiver
    handler = METHODS.get(name)
    if handler is not None:
        value = handler(m, site)
    elif name in REDUCTIONS:
        return statistic(m, site, base)
    elif name in knowledge.NUMBERS or name in _NOTHING:
        return base if base.preds or ("mask" in base.marks and name in ("any", "all")) else NOTHING
    elif name in knowledge.FEWER_ROWS:
        value = fewer(m, base, (name, site.node), site.node)
    else:
        value = _other(base, site)
    if site.keywords.get("inplace", NOTHING).const is True:
        if isinstance(site.node.func, ir.Attribute):
            _write_back(m, site.node.func.value, value)
        return NOTHING
    return value


_NOTHING = frozenset(
    [
        "plot",
        "hist",
        "boxplot",
        "to_csv",
        "to_excel",
        "to_pickle",
        "savefig",
        "show",
        "scatter",
        "bar",
        "save",
        "close",
        "keys",
        "format",
        "startswith",
        "endswith",
        "to_json",
        "write",
        "writerow",
        "set_title",
        "set_xlabel",
        "legend",
        "item",
    ]
)


def _other(base: Value, site: Site) -> Value:
    """Any other method: the rows stay, and take in what the arguments have learned."""
    fits = base.fits
    for value in site.given():
        if value.fits:
            fits = fits | value.fits
    if base.rows or base.preds or base.marks:
        return base._replace(fits=fits, elts=base.elts, const=ABSENT)
    return mix([base, *site.given()])


def _write_back(m: Machine, holder: ir.Expr, value: Value) -> None:
    """What an `inplace=True` leaves in the table, or in the column of one."""
    if isinstance(holder, ir.Name):
        m.rebind(holder.id, value)
    elif isinstance(holder, ir.Subscript) and isinstance(holder.index, ir.Const):
        m.change(holder.value, value, holder.index.value)
    elif isinstance(holder, ir.Attribute) and not m.eval(holder.value).objs:
        m.change(holder.value, value, holder.attr)
    else:
        m.assign(holder, value) if isinstance(holder, ir.Attribute) else m.change(
            holder, value, None
        )


def _drop(m: Machine, site: Site) -> Value:
    """`df.drop(columns)`, `df.drop(rows)`."""
    base = site.receiver
    labels = site.node.argument(0, "labels")
    axis = site.arg(1, "axis").const
    columns = site.node.keyword("columns")
    if columns is not None or axis in (1, "columns"):
        words = constant_words(columns if columns is not None else labels)
        if words is None:
            value = site.arg(0, "labels", "columns")
            if value.elts is not None:
                words = [e.const for e in value.elts if isinstance(e.const, str)]
            elif isinstance(value.const, str):
                words = [value.const]
        if words is None:
            return base._replace(marks=base.marks | {"without:?"}, elts=None)
        return without(base, tuple(words))
    taken = site.arg(0, "labels", "index")
    rest = complement(m, base, taken, site.node)
    if rest is not None:
        return rest
    return fewer(m, base._replace(fits=base.fits | taken.fits), ("drop", site.node), site.node)


def _pop(m: Machine, site: Site) -> Value:
    """`df.pop('y')`: the column, taken out of the table."""
    base = site.receiver
    key = site.arg(0, "item").const
    if not base.rows:
        return element(base) if base.elts or base.fields else NOTHING
    from autosota.agents.check.stored import column

    found = next((f.value for f in base.fields if f.key == key), None)
    taken = found if found is not None else column(base, str(key))
    if isinstance(site.node.func, ir.Attribute) and isinstance(site.node.func.value, ir.Name):
        m.rebind(site.node.func.value.id, without(base, (key,)))
    return taken


def _sample(m: Machine, site: Site) -> Value:
    """`df.sample(...)`: a shuffle, a part, or a draw with copies."""
    base = site.receiver
    if site.keywords.get("replace", NOTHING).const is True:
        rows = frozenset(m.part(p, "copies", site.node, node=site.node) for p in base.rows)
        return base._replace(rows=rows)
    size = site.keywords.get("frac", NOTHING).const
    if size in (1, 1.0):
        return base
    name = m.targets[0] if m.targets else ""
    rows = frozenset(
        m.part(p, "split", site.node, 0, role=role(name), name=name, node=site.node, shuffled=True)
        for p in base.rows
    )
    return base._replace(rows=rows)


def _fillna(m: Machine, site: Site) -> Value:
    """`fillna(value)`: learns what the value has learned."""
    base = site.receiver
    value = site.arg(0, "value")
    fits = base.fits | value.fits
    for field in value.fields:
        fits |= field.value.fits
    return base._replace(fits=fits, elts=None)


def _append(m: Machine, site: Site) -> Value:
    """`df.append(other)`."""
    other = site.arg(0, "other")
    values = other.elts if other.elts is not None else (other,)
    values = tuple(v if v.rows or not v.fields else frame_of(v) for v in values)
    return put_together(m, site.node, (site.receiver, *values), by_rows=True)


def frame_of(value: Value) -> Value:
    """A table made of the entries of a dict."""
    return mix(f.value for f in value.fields)


def _join(m: Machine, site: Site) -> Value:
    """`df.merge(other)`, `df.join(other)`: the rows of the left one."""
    other = site.arg(0, "right", "other")
    base = site.receiver
    if not base.rows:
        return NOTHING
    return base._replace(fits=base.fits | other.fits, fields=(*base.fields, *(
        f for f in other.fields if isinstance(f.key, str)))[:64])  # fmt: skip


def _groupby(m: Machine, site: Site) -> Value:
    """`df.groupby(key)`: what follows reduces or transforms by groups."""
    return site.receiver._replace(marks=site.receiver.marks | {"grouped"}, elts=None)


def _apply(m: Machine, site: Site) -> Value:
    """`df.apply(f)`: row by row, unless `f` closes over something learned."""
    from autosota.agents.check import calls

    base = site.receiver
    fits = base.fits
    what = site.arg(0, "func", "arg")
    grouped = "grouped" in base.marks
    if grouped and isinstance(what.const, str) and what.const in REDUCTIONS:
        return statistic(m, site, base)
    for obj in sorted(what.objs, key=lambda o: (o.node.unit.offset, o.node.start)):
        if obj.kind in ("function", "method"):
            node = site.node
            one = Value(base.rows, base.fits)
            inner = calls.Site(node, "", "", NOTHING, [one], {})
            given = calls.follow(m, obj, inner)
            fits |= {e for e in given.fits if e.kind != "statistic"}
    for value in site.given():
        fits |= value.fits
    return base._replace(fits=fits, elts=None, marks=base.marks - {"grouped"})


def _transform(m: Machine, site: Site) -> Value:
    """`groupby(...).transform('mean')`."""
    base = site.receiver
    what = site.arg(0, "func")
    if "grouped" in base.marks and isinstance(what.const, str) and what.const in REDUCTIONS:
        value = statistic(m, site, base)
        return base._replace(fits=base.fits | value.fits, marks=base.marks - {"grouped"})
    return _apply(m, site)


def _isin(m: Machine, site: Site) -> Value:
    """`df.index.isin(train.index)`: the mask of the rows taken."""
    taken = site.arg(0, "values")
    if "index" in site.receiver.marks and taken.rows and "index" in taken.marks:
        root = index_root(m, "isin", site.node)
        rows = set()
        for part in taken.rows:
            if part.parent is not None:
                rows.add(m.part(root, part.kind, part.key, part.side, node=part.node))
        if rows:
            return Value(frozenset(rows), marks=frozenset(("mask",)))
    return Value(site.receiver.rows and frozenset(
        (m.part(index_root(m, "mask", site.node), "mask",
                ("isin", m.text(site.node)), 0, node=site.node),)
    ), marks=frozenset(("mask",)))  # fmt: skip


def _null(m: Machine, site: Site) -> Value:
    """`df.a.isnull()`, `notnull()`: masks that exclude each other."""
    if not site.receiver.rows or not isinstance(site.node.func, ir.Attribute):
        return NOTHING
    side = 1 if site.method.startswith("not") else 0
    key = ("null", m.text(site.node.func.value))
    root = index_root(m, "mask", site.node)
    rows = frozenset((m.part(root, "mask", key, side, node=site.node),))
    return Value(rows, marks=frozenset(("mask",)))


def _interpolate(m: Machine, site: Site) -> Value:
    """Filling from the neighbours: nothing that a split would part."""
    return site.receiver


def _replace(m: Machine, site: Site) -> Value:
    base = site.receiver
    fits: frozenset[Event] = frozenset().union(*(v.fits for v in site.given()))
    return base._replace(fits=base.fits | fits, elts=None)


def _shift(m: Machine, site: Site) -> Value:
    """`shift(-1)` brings the future; so does a centred window or a fill from behind."""
    base = site.receiver
    step = site.arg(0, "periods").const
    ahead = site.method == "shift" and isinstance(step, int) and step < 0
    ahead = ahead or (
        site.method == "rolling" and site.keywords.get("center", NOTHING).const is True
    )
    marks = base.marks | ({"future"} if ahead else {"lagged"})
    if site.method in ("rolling", "expanding", "ewm"):
        marks |= {"window"}
    return base._replace(marks=marks, elts=None, const=ABSENT)


def _select(m: Machine, site: Site) -> Value:
    return site.receiver._replace(marks=site.receiver.marks | {"without:?"}, elts=None)


def _items(m: Machine, site: Site) -> Value:
    return Value(
        elts=(Value(elts=(NOTHING, element(site.receiver))),), marks=frozenset(("repeat",))
    )


def _batches(m: Machine, site: Site) -> Value:
    """Generators of batches: the rows they are made from."""
    whole = mix(v for v in site.given())
    return join(site.receiver._replace(objs=frozenset()), whole) if whole.rows else site.receiver


METHODS = {
    "drop": _drop, "pop": _pop, "sample": _sample, "fillna": _fillna, "append": _append,
    "merge": _join, "join": _join, "groupby": _groupby, "apply": _apply, "map": _apply,
    "applymap": _apply, "transform": _transform, "isin": _isin, "isnull": _null, "isna": _null,
    "notnull": _null, "notna": _null, "ffill": _interpolate, "bfill": _interpolate,
    "interpolate": _interpolate, "replace": _replace, "clip": _replace,
    "shift": _shift, "rolling": _shift, "expanding": _shift, "ewm": _shift,
    "diff": _shift, "pct_change": _shift,
    "select_dtypes": _select, "filter": _select, "reindex": _select, "transpose": _select,
    "iterrows": _items, "itertuples": _items, "flow": _batches,
}  # fmt: skip
