"""Ensembles around a model that stays: bagging, and a vote with a model of another family."""

from __future__ import annotations

from collections.abc import Iterator

from autosota.agents.domain import Granularity
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_sklearn.estimators import (
    ESTIMATORS,
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


def _bagging(module: Module) -> Iterator[Lever]:
    names = NETWORKS | {n for n in TREES if n.startswith(("DecisionTree", "HistGradient"))}
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


def _stacking(module: Module) -> Iterator[Lever]:
    if any(mentions(module, f"Stacking{kind}") for kind in _KIND.values()):
        return
    if "decision_function" in attributes_used(module) or is_sparse(module):
        return
    for estimator in find_estimators(module, ESTIMATORS):
        if not is_wrappable(estimator):
            continue

        def change(draft: Draft, estimator: Estimator = estimator) -> None:
            stacking = draft.spell(f"sklearn.ensemble.Stacking{_KIND[estimator.is_classifier]}")
            draft.wrap(
                estimator.call.node,
                f'{stacking}([("first", ',
                f'), ("second", {_partner(draft, estimator)})])',
            )

        partner = "a linear model" if estimator.name in TREES else "extremely randomised trees"
        yield Lever(
            estimator.call.node,
            estimator.anchor,
            change,
            f"Stack {estimator.name} and {partner}",
            "a model on top can learn which of two models to believe where",
            cost=10.0,
        )


STACKING = Transformation(
    name="stacking",
    summary="Stack with a model of another family",
    library=SKLEARN,
    family="ensemble",
    granularity=Granularity.ALGO,
    paper="Wolpert 1992, Stacked Generalization; Breiman 1996, Stacked Regressions",
    precondition="an estimator on dense features that may be wrapped",
    expected="a small gain over the better of the two, at about ten fits",
    prior=0.5,
    find=_stacking,
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
    paper="Kittler et al. 1998, On Combining Classifiers",
    precondition="an estimator with probabilities (or a regressor) that may be wrapped",
    expected="a small, steady gain when the second family is about as good",
    prior=0.45,
    find=_voting,
)

TRANSFORMATIONS = (BAGGING, VOTING, STACKING)
