"""Numbers of scikit-learn estimators: penalties, iterations, neighbours, class weights."""

from __future__ import annotations

from collections.abc import Iterator

from autosota.agents.domain import Granularity, Level
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_sklearn.estimators import (
    NEIGHBOURS,
    Estimator,
    find_estimators,
    in_search,
)
from autosota.agents.ideator.module import Module
from autosota.agents.ideator.steps import Number, Step, number_levers
from autosota.agents.ideator.transformation import Lever, Transformation

SKLEARN = "scikit-learn"

_MARGIN = Number("C", "1.0", real=True)
_SHRINKAGE = Number("alpha", "1.0", 0, real=True)
_DECAY = Number("alpha", "0.0001", real=True)
_LEAVES = Number("l2_regularization", real=True)
_PENALTIES = {
    **dict.fromkeys(("LogisticRegression", "LinearSVC", "SVC", "SVR", "LinearSVR"), _MARGIN),
    **dict.fromkeys(("Ridge", "RidgeClassifier", "Lasso", "ElasticNet"), _SHRINKAGE),
    **dict.fromkeys(("MLPClassifier", "MLPRegressor", "SGDClassifier", "SGDRegressor"), _DECAY),
    **dict.fromkeys(("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"), _LEAVES),
}


def _penalty(module: Module) -> Iterator[Lever]:
    for estimator in find_estimators(module, _PENALTIES):
        number = _PENALTIES[estimator.name]
        if in_search(module, number.keyword):
            continue
        yield from number_levers(
            module,
            estimator.call,
            number,
            (Step(10), Step(0.1)),
            anchor=estimator.anchor,
            what=f"the regularisation setting of {estimator.name}",
            reason="one decade is the usual first step of a search for the penalty",
        )


PENALTY = Transformation(
    name="penalty",
    summary="Regularisation strength (C, alpha) one decade up or down",
    library=SKLEARN,
    family="regularisation",
    granularity=Granularity.PARAM,
    paper="Hoerl & Kennard 1970, Ridge Regression; Cortes & Vapnik 1995 for C",
    precondition="an estimator with a penalty that is a literal or the default, not searched over",
    expected="a little either way: more bias or more variance",
    prior=0.35,
    find=_penalty,
)

_ITERATIONS = {
    "LogisticRegression": "100",
    "LinearSVC": "1000",
    "SGDClassifier": "1000",
    "SGDRegressor": "1000",
    "MLPClassifier": "200",
    "MLPRegressor": "200",
}


def _iterations(module: Module) -> Iterator[Lever]:
    for estimator in find_estimators(module, _ITERATIONS):
        yield from number_levers(
            module,
            estimator.call,
            Number("max_iter", _ITERATIONS[estimator.name]),
            (Step(5, cost=2.0),),
            anchor=estimator.anchor,
            what=f"the iterations of {estimator.name}",
            reason="a solver that stops at its limit has not found its optimum",
            assumptions=("the solver stops at max_iter today; otherwise nothing changes",),
        )


ITERATIONS = Transformation(
    name="more-iterations",
    summary="Let the solver run to convergence (max_iter × 5)",
    library=SKLEARN,
    family="training-length",
    granularity=Granularity.PARAM,
    paper="Bottou & Bousquet 2008, The Tradeoffs of Large Scale Learning",
    precondition="an iterative solver whose max_iter is a literal or the default",
    expected="a gain only where the solver had not converged",
    prior=0.25,
    find=_iterations,
)


def _neighbours(module: Module) -> Iterator[Lever]:
    for estimator in find_estimators(module, NEIGHBOURS):
        if in_search(module, "n_neighbors"):
            continue
        yield from number_levers(
            module,
            estimator.call,
            Number("n_neighbors", "5", 0),
            (Step(0.5, least=1), Step(2)),
            anchor=estimator.anchor,
            what=f"the number of neighbours of {estimator.name}",
            reason="k sets the balance of bias and variance of a neighbour vote",
        )


NEIGHBOUR_COUNT = Transformation(
    name="neighbour-count",
    summary="Half or twice as many neighbours",
    library=SKLEARN,
    family="neighbours",
    granularity=Granularity.PARAM,
    paper="Cover & Hart 1967, Nearest Neighbor Pattern Classification",
    precondition="a k-nearest-neighbour model whose k is a literal or the default",
    expected="a little either way",
    prior=0.35,
    find=_neighbours,
)


def _distance(module: Module) -> Iterator[Lever]:
    for estimator in find_estimators(module, NEIGHBOURS):
        given = estimator.call.value("weights", 1)
        if given is not None and module.text(given).strip("'\"") != "uniform":
            continue
        if len(estimator.call.positional) > 1 or in_search(module, "weights"):
            continue

        def change(draft: Draft, estimator: Estimator = estimator) -> None:
            draft.keywords(estimator.call, weights='"distance"')

        yield Lever(
            estimator.call.node,
            estimator.anchor,
            change,
            f"Let nearer neighbours count more in {estimator.name}",
            "all k neighbours vote alike, however far they are",
        )


DISTANCE_WEIGHTS = Transformation(
    name="distance-weights",
    summary="Weigh neighbours by distance",
    library=SKLEARN,
    family="neighbours",
    granularity=Granularity.PARAM,
    paper="Dudani 1976, The Distance-Weighted k-Nearest-Neighbor Rule",
    precondition="a k-nearest-neighbour model with uniform weights",
    expected="a small gain, larger with larger k",
    prior=0.35,
    find=_distance,
)

_BALANCED = frozenset(
    [
        "LogisticRegression",
        "LinearSVC",
        "SVC",
        "RidgeClassifier",
        "SGDClassifier",
        "Perceptron",
        "RandomForestClassifier",
        "ExtraTreesClassifier",
        "DecisionTreeClassifier",
        "HistGradientBoostingClassifier",
    ]
)
_CLASSWISE = ("balanced", "macro", "f1", "recall", "mcc", "kappa", "uar", "gmean")


def _class_weight(module: Module) -> Iterator[Lever]:
    objective = module.project.objective
    metrics = f"{objective.metric} {objective.select_on}".lower() if objective else "balanced"
    if not any(word in metrics for word in _CLASSWISE):
        return
    for estimator in find_estimators(module, _BALANCED):
        if estimator.call.value("class_weight") is not None or in_search(module, "class_weight"):
            continue

        def change(draft: Draft, estimator: Estimator = estimator) -> None:
            draft.keywords(estimator.call, class_weight='"balanced"')

        yield Lever(
            estimator.call.node,
            estimator.anchor,
            change,
            f"Weigh classes by their frequency in {estimator.name}",
            "the metric counts each class alike, the training loss does not",
            assumptions=("classes are not equally frequent in the training data",),
        )


CLASS_WEIGHT = Transformation(
    name="class-weight",
    summary="Balanced class weights in the training loss",
    library=SKLEARN,
    family="loss",
    granularity=Granularity.PARAM,
    paper="King & Zeng 2001, Logistic Regression in Rare Events Data",
    precondition="a metric that averages over classes, and a classifier without class_weight",
    expected="better rare classes, slightly worse frequent ones",
    prior=0.4,
    find=_class_weight,
    risk=Level.MEDIUM,
)


def _averaged(module: Module) -> Iterator[Lever]:
    for estimator in find_estimators(module, ("SGDClassifier", "SGDRegressor")):
        if estimator.call.value("average") is not None or in_search(module, "average"):
            continue

        def change(draft: Draft, estimator: Estimator = estimator) -> None:
            draft.keywords(estimator.call, average="True")

        yield Lever(
            estimator.call.node,
            estimator.anchor,
            change,
            f"Average the weights of {estimator.name} over its updates",
            "the last iterate of SGD is noisier than the mean of its path",
        )


AVERAGED_SGD = Transformation(
    name="averaged-sgd",
    summary="Averaged stochastic gradient descent",
    library=SKLEARN,
    family="averaging",
    granularity=Granularity.PARAM,
    paper="Polyak & Juditsky 1992, Acceleration of Stochastic Approximation by Averaging",
    precondition="an SGD estimator without `average`",
    expected="a small gain and less variance between seeds",
    prior=0.35,
    find=_averaged,
)

TRANSFORMATIONS = (
    PENALTY,
    ITERATIONS,
    NEIGHBOUR_COUNT,
    DISTANCE_WEIGHTS,
    CLASS_WEIGHT,
    AVERAGED_SGD,
)
