"""Replacing a model by an ensemble, one ensemble by another, and letting it vote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from autosota.agents.domain import Granularity, Level
from autosota.agents.ideator.calls import rewrite_call
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_sklearn.estimators import (
    LINEAR_REGRESSORS,
    NEIGHBOURS,
    NETWORKS,
    TREES,
    Estimator,
    attributes_used,
    find_estimators,
    is_sparse,
    is_wrappable,
    mentions,
)
from autosota.agents.ideator.module import Module
from autosota.agents.ideator.transformation import Lever, Transformation

SKLEARN = "scikit-learn"
_KIND = {True: "Classifier", False: "Regressor"}
_BOOTSTRAP_ONLY = ("oob_score", "max_samples", "bootstrap")


def replace_estimator(
    draft: Draft, estimator: Estimator, dotted: str, keep: Mapping[str, str], **added: str
) -> None:
    """Construct another estimator; `keep` maps the arguments that it takes over to new names.

    Arguments whose name does not change keep their own text and place.
    """
    call = estimator.call
    function = draft.spell(dotted, beside=call)
    same = [call.keywords[old] for old, new in keep.items() if old == new and old in call.keywords]
    same.sort(key=lambda node: node.start_byte)
    renamed = {
        new: text
        for old, new in keep.items()
        if old != new
        for text in estimator.carried(old).values()
    }
    source = draft.module.source
    draft.edit(call.node, [rewrite_call(source, call, function, same, {**renamed, **added})])
    draft.retire(call)


def _extra_trees(module: Module) -> Iterator[Lever]:
    for estimator in find_estimators(module, ("RandomForestClassifier", "RandomForestRegressor")):
        if any(estimator.call.value(name) is not None for name in _BOOTSTRAP_ONLY):
            continue

        def change(draft: Draft, estimator: Estimator = estimator) -> None:
            # The two take the same arguments, so only the name changes.
            kind = estimator.name.removeprefix("RandomForest")
            dotted = f"sklearn.ensemble.ExtraTrees{kind}"
            draft.replace(estimator.call.function, draft.spell(dotted, beside=estimator.call))
            draft.retire(estimator.call)

        yield Lever(
            estimator.call.node,
            estimator.anchor,
            change,
            "Grow extremely randomised trees instead of a random forest",
            "random thresholds lower the variance of a forest, and its cost",
            cost=0.8,
        )


EXTRA_TREES = Transformation(
    name="extra-trees",
    summary="RandomForest → ExtraTrees",
    library=SKLEARN,
    family="model",
    granularity=Granularity.ALGO,
    paper="Geurts, Ernst & Wehenkel 2006, Extremely Randomized Trees",
    precondition="a random forest that does not use its bootstrap samples (oob_score)",
    expected="as good or slightly better where features are many and alike (pixels)",
    prior=0.45,
    find=_extra_trees,
)

_BOOSTED_FROM = frozenset(
    [
        "DecisionTreeClassifier",
        "DecisionTreeRegressor",
        "RandomForestClassifier",
        "RandomForestRegressor",
        "ExtraTreesClassifier",
        "ExtraTreesRegressor",
        "GradientBoostingClassifier",
        "GradientBoostingRegressor",
    ]
)


def _boosting(module: Module) -> Iterator[Lever]:
    if is_sparse(module) or "decision_path" in attributes_used(module):
        return
    for estimator in find_estimators(module, _BOOSTED_FROM):
        if not is_wrappable(estimator) or estimator.call.value("criterion") is not None:
            continue

        def change(draft: Draft, estimator: Estimator = estimator) -> None:
            keep = {"random_state": "random_state"}
            if estimator.name.startswith("GradientBoosting"):
                keep |= {"learning_rate": "learning_rate", "n_estimators": "max_iter"}
            kind = _KIND[estimator.is_classifier]
            replace_estimator(
                draft, estimator, f"sklearn.ensemble.HistGradientBoosting{kind}", keep
            )

        yield Lever(
            estimator.call.node,
            estimator.anchor,
            change,
            f"Boost histogram trees instead of {estimator.name}",
            "boosting lowers bias where averaged or single trees cannot",
            cost=1.5,
        )


BOOSTING = Transformation(
    name="histogram-boosting",
    summary="Trees → HistGradientBoosting",
    library=SKLEARN,
    family="model",
    granularity=Granularity.ALGO,
    paper="Friedman 2001, Greedy Function Approximation; Ke et al. 2017, LightGBM",
    precondition="a tree model on dense features whose internals the code does not read",
    expected="a gain on tabular data with interactions",
    prior=0.4,
    find=_boosting,
    risk=Level.MEDIUM,
)


def _bagging(module: Module) -> Iterator[Lever]:
    names = NETWORKS | {"DecisionTreeClassifier", "DecisionTreeRegressor"}
    if any(mentions(module, f"Bagging{kind}") for kind in _KIND.values()):
        return
    for estimator in find_estimators(module, names):
        if not is_wrappable(estimator):
            continue

        def change(draft: Draft, estimator: Estimator = estimator) -> None:
            bagging = draft.spell(f"sklearn.ensemble.Bagging{_KIND[estimator.is_classifier]}")
            seed = "".join(f", {k}={v}" for k, v in estimator.seed.items())
            draft.wrap(estimator.call.node, f"{bagging}(", f", n_estimators=10{seed})")

        yield Lever(
            estimator.call.node,
            estimator.anchor,
            change,
            f"Bag ten of {estimator.name}",
            f"{estimator.name} varies much with its training sample; an average varies less",
            cost=10.0 if estimator.name in NETWORKS else 3.0,
        )


BAGGING = Transformation(
    name="bagging",
    summary="Average ten models on bootstrap samples",
    library=SKLEARN,
    family="ensemble",
    granularity=Granularity.ALGO,
    paper="Breiman 1996, Bagging Predictors",
    precondition="an unstable learner (a tree or a network) that may be wrapped",
    expected="lower variance, at the price of ten fits",
    prior=0.55,
    find=_bagging,
)

_PROBABILISTIC = frozenset(
    [
        "LogisticRegression",
        "RandomForestClassifier",
        "ExtraTreesClassifier",
        "MLPClassifier",
        "KNeighborsClassifier",
        "GradientBoostingClassifier",
        "HistGradientBoostingClassifier",
        "DecisionTreeClassifier",
    ]
)


def _voting(module: Module) -> Iterator[Lever]:
    regressors = LINEAR_REGRESSORS | {
        n for n in NEIGHBOURS | NETWORKS | TREES if n.endswith("Regressor")
    }
    if any(mentions(module, f"Voting{kind}") for kind in _KIND.values()):
        return
    if "decision_function" in attributes_used(module) or is_sparse(module):
        return
    for estimator in find_estimators(module, _PROBABILISTIC | regressors):
        if not is_wrappable(estimator):
            continue

        def change(draft: Draft, estimator: Estimator = estimator) -> None:
            voting = draft.spell(f"sklearn.ensemble.Voting{_KIND[estimator.is_classifier]}")
            soft = ', voting="soft"' if estimator.is_classifier else ""
            draft.wrap(
                estimator.call.node,
                f'{voting}([("first", ',
                f'), ("second", {_partner(draft, estimator)})]{soft})',
            )

        partner = "a linear model" if estimator.name in TREES else "extremely randomised trees"
        yield Lever(
            estimator.call.node,
            estimator.anchor,
            change,
            f"Average {estimator.name} with {partner}",
            "models of different families make different errors",
            cost=2.0,
        )


def _partner(draft: Draft, estimator: Estimator) -> str:
    seed = "".join(f"{k}={v}" for k, v in estimator.seed.items())
    if estimator.name not in TREES:
        trees = draft.spell(f"sklearn.ensemble.ExtraTrees{_KIND[estimator.is_classifier]}")
        return f"{trees}(n_estimators=200{', ' + seed if seed else ''})"
    maker = draft.spell("sklearn.pipeline.make_pipeline")
    scaler = draft.spell("sklearn.preprocessing.StandardScaler")
    if estimator.is_classifier:
        linear = f"{draft.spell('sklearn.linear_model.LogisticRegression')}(max_iter=1000)"
    else:
        linear = f"{draft.spell('sklearn.linear_model.Ridge')}()"
    return f"{maker}({scaler}(), {linear})"


VOTING = Transformation(
    name="soft-voting",
    summary="Average with a model of another family",
    library=SKLEARN,
    family="ensemble",
    granularity=Granularity.ALGO,
    paper="Wolpert 1992, Stacked Generalization; Kittler et al. 1998, On Combining Classifiers",
    precondition="an estimator with probabilities (or a regressor) that may be wrapped",
    expected="a small, steady gain when the second family is about as good",
    prior=0.45,
    find=_voting,
)

TRANSFORMATIONS = (EXTRA_TREES, BOOSTING, BAGGING, VOTING)
