"""Fits, predictions and scores: what an object has learned, and what is measured of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autosota.agents.check import ir, knowledge
from autosota.agents.check.roles import role
from autosota.agents.check.values import ABSENT, NOTHING, Event, Obj, Value, join, mix

if TYPE_CHECKING:
    from autosota.agents.check.calls import Site
    from autosota.agents.check.evaluate import Machine

_METRIC = frozenset(("metric",))


def lean(value: Value) -> Value:
    """Rows, learning and predictions only, for events."""
    if value.elts and not value.rows:
        value = mix(value.elts)
    return Value(value.rows, value.fits, preds=value.preds, marks=value.marks, fields=value.fields)


def nature(obj: Obj) -> str:
    """The family of an object; a pipeline is `model`, `learn` or `plain` after its steps."""
    kind = knowledge.family(obj.kind)
    if kind != "pipe":
        return kind
    found = {knowledge.family(o.kind) if o is not obj else "" for o in _steps(obj)}
    if found & {"model", "search", "cluster"} or not found - {""}:
        return "model"
    return "learn" if "learn" in found else "plain"


def _steps(obj: Obj, depth: int = 0) -> set[Obj]:
    found: set[Obj] = set()
    todo = [*obj.made, *(v for _, v in obj.options)]
    while todo and len(found) < 64:
        value = todo.pop()
        todo += value.elts or ()
        todo += [f.value for f in value.fields]
        for step in value.objs:
            if step not in found:
                found.add(step)
                if depth < 3 and step.kind.rsplit(".", 1)[-1] in knowledge.PIPES:
                    found |= _steps(step, depth + 1)
    return found


def learning_name(obj: Obj) -> str:
    """The class that learns: the object's own, or that of the first learning step of a pipe."""
    if knowledge.family(obj.kind) != "pipe":
        return obj.kind
    names = sorted(o.kind for o in _steps(obj) if knowledge.family(o.kind) == "learn")
    supervised = [n for n in names if n.rsplit(".", 1)[-1] in knowledge.SELECTORS]
    return (supervised or names or [obj.kind])[0]


def _training(m: Machine, site: Site) -> tuple[Value, Value]:
    x = site.arg(0, "X", "x", "generator", "data", "train_data", "dtrain", "train_set")
    y = site.arg(1, "y")
    if x is NOTHING and site.receiver.rows:
        x = Value(site.receiver.rows, site.receiver.fits)
    return x, y


def _objects(m: Machine, site: Site, make: bool) -> frozenset[Obj]:
    """The objects a method is called on; something unknown becomes one, if `make`."""
    found = frozenset(o for o in site.receiver.objs if o.kind not in ("function", "method"))
    if found or not make:
        return found
    made = frozenset((m.obj(site.node, "?"),))
    func = site.node.func
    if isinstance(func, ir.Attribute) and isinstance(func.value, ir.Name):
        m.rebind(func.value.id, Value(objs=made))
    elif isinstance(func, ir.Attribute) and isinstance(func.value, ir.Attribute):
        m.assign(func.value, Value(objs=made))
    return made


def fit(m: Machine, site: Site) -> Value | None:
    """`fit`, and everything like it."""
    x, y = _training(m, site)
    if not site.args and not site.keywords and not site.receiver.rows:
        return Value(objs=site.receiver.objs)
    objs = _objects(m, site, make=True)
    models = frozenset(o for o in objs if nature(o) in ("model", "search", "", "cluster"))
    for obj in sorted(objs - models, key=_order):
        learn(m, site, obj, x, y)
    clusters = frozenset(o for o in models if nature(o) == "cluster")
    for obj in sorted(clusters, key=_order):
        learn(m, site, obj, x, y)
    models -= clusters
    if models:
        _fit_models(m, site, models, x, y)
    if site.method == "fit_predict":
        fits: frozenset[Event] = frozenset().union(*(m.fits(o) for o in objs))
        return Value(x.rows, x.fits | fits)
    return Value(objs=objs)


def _fit_models(m: Machine, site: Site, models: frozenset[Obj], x: Value, y: Value) -> None:
    name = f"{min(o.kind for o in models)}.{site.method}"
    done = m.event("fit", site.node, name, data=(lean(x), lean(y)), models=models)
    for obj in models:
        goes_on = obj.kind.startswith(knowledge.KEEPS_TRAINING) or site.method == "partial_fit"
        old = m.fits(obj) if goes_on else frozenset()
        m.put((obj, "()"), Value(fits=old | {done}))
    for watched in _watched(site):
        if watched.rows:
            m.event(
                "validate", site.node, name, data=(lean(watched),), models=models,
                fits=frozenset((done,)),
            )  # fmt: skip


def _watched(site: Site) -> list[Value]:
    found: list[Value] = []
    for key in ("validation_data", "eval_set", "evals", "valid_sets", "val_data"):
        value = site.keywords.get(key)
        if value is None:
            continue
        if value.elts and not value.rows:
            if any(e.elts for e in value.elts):
                found += [mix(e.elts or (e,)) for e in value.elts]
            elif key in ("evals", "valid_sets"):
                found += value.elts
            else:
                found.append(mix(value.elts[:2]))
        else:
            found.append(value)
    return found


def _order(obj: Obj) -> tuple[int, int, str]:
    return (obj.node.unit.offset, obj.node.start, obj.kind)


def learn(m: Machine, site: Site, obj: Obj, x: Value, y: Value) -> Event | None:
    """A transform is fitted; the event, or None when it learns nothing."""
    if nature(obj) not in ("learn", "cluster", "model", "search"):
        m.put((obj, "()"), Value())
        return None
    if not x.rows:
        x = given(m, site, x)
    name = f"{learning_name(obj)}.{site.method}"
    done = m.event("learn", site.node, name, data=(lean(x), lean(y)), models=frozenset((obj,)))
    m.put((obj, "()"), Value(fits=frozenset((done,))))
    return done


def given(m: Machine, site: Site, x: Value) -> Value:
    """Rows of which nothing is known but the text they are written as."""
    whole = lean(x)
    if whole.rows or not site.node.args:
        return whole
    node = site.node.args[0]
    text = m.text(node)
    part = m.part(None, "root", ("given", text), role=role(text), name=text, node=node)
    return whole._replace(rows=frozenset((part,)))


def fit_transform(m: Machine, site: Site) -> Value | None:
    """`fit_transform(X)`."""
    x, y = _training(m, site)
    if not x.rows:
        x = given(m, site, x)
    objs = _objects(m, site, make=True)
    fits = x.fits
    for obj in sorted(objs, key=_order):
        done = learn(m, site, obj, x, y)
        if done is not None:
            fits = fits | {done}
    data = x
    if x.elts is not None and not x.rows:
        data = mix(x.elts)
    return data._replace(fits=fits, elts=None, const=ABSENT, objs=frozenset(), fields=())


def transform(m: Machine, site: Site) -> Value | None:
    """`transform(X)` of something fitted before."""
    objs = site.receiver.objs
    if not objs:
        if site.receiver.rows:
            return None
        x = site.arg(0, "X")
        return x._replace(elts=None, const=ABSENT) if x.rows else None
    x = site.arg(0, "X", "texts", "sequences", "x")
    fits = x.fits
    for obj in objs:
        fits |= frozenset(e for e in m.fits(obj) if e.kind == "learn")
    data = mix(x.elts) if x.elts and not x.rows else x
    return data._replace(fits=fits, elts=None, const=ABSENT, objs=frozenset(), fields=())


def predict(m: Machine, site: Site) -> Value | None:
    """`predict(X)` and everything like it."""
    if not site.args and not site.keywords:
        return None
    objs = _objects(m, site, make=False)
    if not objs and site.receiver.rows and not site.args[:1]:
        return None
    x = site.arg(0, "X", "x", "data")
    fits: frozenset[Event] = frozenset().union(*(m.fits(o) for o in objs)) if objs else frozenset()
    name = f"{min((o.kind for o in objs), default='')}.{site.method}"
    done = m.event("predict", site.node, name, data=(lean(x),), models=objs, fits=fits)
    return Value(lean(x).rows, preds=frozenset((done,)))


def score(m: Machine, site: Site) -> Value | None:
    """`score(X, y)`, `evaluate(X, y)`."""
    objs = _objects(m, site, make=False)
    x, y = site.arg(0, "X", "x", "data"), site.arg(1, "y")
    if not objs and not lean(x).rows:
        return None
    if not site.args and not site.keywords:
        return None
    fits: frozenset[Event] = frozenset().union(*(m.fits(o) for o in objs)) if objs else frozenset()
    name = f"{min((o.kind for o in objs), default='')}.{site.method}"
    done = m.event(
        "score", site.node, name, data=(lean(x), lean(y)), models=objs, fits=fits,
        result=",".join(m.targets),
    )  # fmt: skip
    return Value(fits=frozenset((done,)), marks=_METRIC)


def metric(m: Machine, site: Site) -> Value:
    """`accuracy_score(y_true, y_pred)` and everything like it."""
    preds = frozenset(e for v in site.given() for e in v.preds)
    if not preds:
        return Value(marks=_METRIC)
    fits: frozenset[Event] = frozenset().union(*(e.fits for e in preds))
    objs: frozenset[Obj] = frozenset().union(*(e.models for e in preds))
    tested = NOTHING
    for event in sorted(preds, key=lambda e: (e.node.unit.offset, e.node.start)):
        tested = join(tested, event.data[0])
    truth = next((v for v in site.given() if v.rows and not v.preds), NOTHING)
    done = m.event(
        "score", site.node, site.name, data=(tested, lean(truth)), models=objs, fits=fits, of=preds,
        result=",".join(m.targets),
    )  # fmt: skip
    seen = Value(fits=frozenset((done,)), marks=_METRIC)
    if site.method in knowledge.CURVE_METRICS:
        curve = seen._replace(marks=frozenset(("curve",)))
        return Value(elts=(curve, curve, curve), fits=seen.fits)
    return seen


def plotted(m: Machine, site: Site) -> Value:
    """`plot_confusion_matrix(model, X, y)`."""
    model, x = site.arg(0, "estimator"), site.arg(1, "X")
    if not model.objs or not x.rows:
        return NOTHING
    fits: frozenset[Event] = frozenset().union(*(m.fits(o) for o in model.objs))
    m.event(
        "score", site.node, site.name, data=(lean(x), lean(site.arg(2, "y"))), models=model.objs,
        fits=fits,
    )  # fmt: skip
    return NOTHING


def crossed(m: Machine, site: Site) -> Value:
    """`cross_val_score(model, X, y)`."""
    model = site.arg(0, "estimator")
    x, y = site.arg(1, "X"), site.arg(2, "y")
    done = m.event(
        "cross", site.node, site.name, data=(lean(x), lean(y)), models=model.objs,
        result=",".join(m.targets),
    )  # fmt: skip
    if site.method == "cross_val_predict":
        return Value(x.rows)
    return Value(fits=frozenset((done,)), marks=frozenset(("metric", "cross")))


def resampled(m: Machine, site: Site) -> Value | None:
    """`fit_resample(X, y)`."""
    objs = site.receiver.objs
    families = {knowledge.family(o.kind) for o in objs}
    x, y = site.arg(0, "X"), site.arg(1, "y")
    name = f"{min((o.kind for o in objs), default='')}.{site.method}"
    kind = "copies" if "over" in families else "sample"
    done = m.event("resample", site.node, name, data=(lean(x), lean(y)), models=objs)
    found = []
    for value in (x, y):
        rows = frozenset(m.part(p, kind, site.node, name=name, node=site.node) for p in value.rows)
        found.append(value._replace(rows=rows, elts=None, const=ABSENT))
    del done
    return Value(elts=tuple(found))


def called(m: Machine, site: Site, obj: Obj) -> Value:
    """A call of an object: a network of rows gives predictions, a layer or a loss does not."""
    data = mix(site.given())
    if "Loss" in obj.kind or "Criterion" in obj.kind:
        return Value(data.rows, data.fits, preds=data.preds, marks=frozenset(("loss",)))
    network = obj.cls is not None or nature(obj) == "model"
    layer = obj.cls is None and (".nn." in obj.kind or ".layers." in obj.kind)
    layer = layer and not obj.kind.endswith((".Sequential", ".ModuleList"))
    network = network and "okenizer" not in obj.kind and "rocessor" not in obj.kind
    if not network or layer or not data.rows:
        if not data.rows:
            return Value(objs=frozenset((obj,)))
        return Value(data.rows, data.fits, preds=data.preds)
    done = m.event(
        "predict", site.node, f"{obj.kind}.__call__", data=(lean(data),),
        models=frozenset((obj,)), fits=m.fits(obj),
    )  # fmt: skip
    return Value(data.rows, preds=frozenset((done,)))


def backward(m: Machine, site: Site) -> Value | None:
    """`loss.backward()`: the network is trained on what it predicted."""
    for pred in sorted(site.receiver.preds, key=lambda e: (e.node.unit.offset, e.node.start)):
        done = m.event("fit", site.node, "backward", data=pred.data, models=pred.models)
        for obj in pred.models:
            m.put((obj, "()"), Value(fits=m.fits(obj) | {done}))
    return NOTHING


def train(m: Machine, site: Site) -> Value:
    """`xgb.train(params, data)`, `lgb.train(params, data)`."""
    x = site.arg(1, "dtrain", "train_set", "pool")
    made = m.obj(site.node, site.name)
    if site.name.partition(".")[0] in ("xgboost", "lightgbm"):
        _fit_models(m, site, frozenset((made,)), x, NOTHING)
    return Value(objs=frozenset((made,)))


def clone(m: Machine, site: Site) -> Value:
    """`clone(model)`: the same settings, nothing learned."""
    kind = min((o.kind for o in site.arg(0, "estimator").objs), default="?")
    return Value(objs=frozenset((m.obj(site.node, kind),)))


FUNCTIONS = {
    **{name: crossed for name in knowledge.CROSS_VALIDATION},
    **{name: plotted for name in knowledge.PLOTTED},
    "train": train,
    "clone": clone,
}


def support(m: Machine, site: Site) -> Value | None:
    """`selector.get_support()`: which columns were selected."""
    fits: frozenset[Event] = frozenset().union(*(m.fits(o) for o in site.receiver.objs))
    learned = frozenset(e for e in fits if e.kind == "learn")
    return Value(fits=learned, marks=frozenset(("names",))) if learned else None


METHODS = {
    "get_support": support,
    **{name: fit for name in knowledge.FITS},
    **{name: predict for name in knowledge.PREDICTS},
    **{name: score for name in knowledge.SCORES},
    "fit_transform": fit_transform,
    "transform": transform,
    "fit_on_texts": fit,
    "fit_on_sequences": fit,
    "adapt": fit,
    "texts_to_sequences": transform,
    "texts_to_matrix": transform,
    "sequences_to_matrix": transform,
    "fit_resample": resampled,
    "fit_sample": resampled,
    "backward": backward,
}
