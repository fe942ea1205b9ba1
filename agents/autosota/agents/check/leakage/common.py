"""What the leakage rules share: words for messages, pairs worth judging."""

from __future__ import annotations

from collections.abc import Iterator

from autosota.agents.check import ir
from autosota.agents.check.facts import Facts
from autosota.agents.check.flow import position
from autosota.agents.check.tokens import shape
from autosota.agents.check.values import Event, Pair, Part, Value, copied, ordered_parts, share

FITS = (b".fit", b"fit_transform", b".train(", b".backward(", b"cross_val", b"fit_resample")
"""Tokens of which a file that trains something has one."""
TESTS = (b"predict", b"score", b".evaluate", b"metrics", b"validation_data", b"eval_set", b"==")
"""Tokens of which a file that measures something has one."""
SPLITS = (b"train_test_split", b"random_split", b"Fold", b"ShuffleSplit", b"cross_val", b"_split")
"""Tokens of which a file that parts rows has one."""
LEARNS = (
    b"fit_", b"Scaler", b"mean", b"median", b"quantile", b"std", b"max", b"min", b"cut(", b"mode",
    b"scale(", b"PCA", b"Vectorizer", b"Imputer", b"Select", b"RFE", b"Transformer", b"ncoder",
    b"resample",
)  # fmt: skip
"""Tokens of which a file that learns a transform from rows has one."""
LIBRARIES = shape(
    rb"\n[ \t]*(?:from|import)[ \t]+(?:sklearn|xgboost|lightgbm|catboost|keras|tensorflow|torch"
    rb"|imblearn|cuml|category_encoders|feature_engine|statsmodels|mlxtend|datasets|fastai|tf_keras"
    rb"|pandas|numpy|gensim|umap|skopt|sklearn_pandas|boruta)"
)
"""An import of what the rules know."""


def short(name: str) -> str:
    """The last two parts of a dotted name, the class and its method."""
    parts = name.rsplit(".", 2)
    return ".".join(p for p in parts[-2:] if p and p != "?") or name


def called(value: Value, otherwise: str) -> str:
    """What rows are called in the text, for a message."""
    names = sorted({p.name for p in value.rows if p.name and len(p.name) < 40})
    return f"`{names[0]}`" if names else otherwise


def split_of(parts: frozenset[Part] | set[Part]) -> ir.Expr | None:
    """The call of the outermost split behind rows."""
    for part in ordered_parts(parts):
        for step in part.path():
            if step.kind in ("split", "slice", "mask") and step.node is not None:
                return step.node
    return None


def disjoint(pair: Pair) -> bool:
    """Whether the two sides are not the same rows, but for copies."""
    shared = share(pair.train.rows, pair.test.rows)
    return shared is None or copied(*shared) is not None


def judged(facts: Facts) -> Iterator[Pair]:
    """Pairs of training and evaluation; where a model is never scored, what it is watched on."""
    return iter(facts.remember("judged", lambda: tuple(_judged(facts))))


def _judged(facts: Facts) -> Iterator[Pair]:
    scored: set[Event] = set()
    for pair in facts.pairs:
        if disjoint(pair) and pair.test.rows:
            scored.add(pair.fit)
        yield pair
    for event in facts.flow.events:
        if event.kind == "handed":
            pair = Pair(event, event, event.data[0], event.data[1])
            if disjoint(pair):
                yield pair
    for kind in ("validate", "predict"):
        for event in facts.flow.events:
            if event.kind != kind or not event.data:
                continue
            for fit in sorted(event.fits, key=position):
                if fit.kind == "fit" and fit not in scored and fit.data:
                    pair = Pair(event, fit, fit.data[0], event.data[0])
                    if disjoint(pair) and pair.test.rows:
                        yield pair


def unique(events: Iterator[Event]) -> list[Event]:
    """Events by call, each call once, in order of the text."""
    found: dict[ir.Expr, Event] = {}
    for event in sorted(events, key=position):
        found.setdefault(event.node, event)
    return list(found.values())
