"""Sizes of tree ensembles: how many trees, how deep, how fast they are boosted."""

from __future__ import annotations

from collections.abc import Iterator

from autosota.agents.domain import Granularity
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_sklearn.estimators import Estimator, find_estimators, in_search
from autosota.agents.ideator.module import Module
from autosota.agents.ideator.steps import Number, Step, number_levers
from autosota.agents.ideator.transformation import Lever, Transformation

SKLEARN = "scikit-learn"
FORESTS = frozenset(
    [
        "RandomForestClassifier",
        "RandomForestRegressor",
        "ExtraTreesClassifier",
        "ExtraTreesRegressor",
    ]
)
BOOSTED = frozenset(["GradientBoostingClassifier", "GradientBoostingRegressor"])
HISTOGRAM = frozenset(["HistGradientBoostingClassifier", "HistGradientBoostingRegressor"])


def _count(module: Module) -> Iterator[Lever]:
    for estimator in find_estimators(module, FORESTS):
        if in_search(module, "n_estimators"):
            continue
        yield from number_levers(
            module,
            estimator.call,
            Number("n_estimators", "100", 0),
            (Step(3, cost=3.0),),
            anchor=estimator.anchor,
            what=f"the number of trees of {estimator.name}",
            reason="a forest never gets worse with more trees, only slower",
        )


TREE_COUNT = Transformation(
    name="more-trees",
    summary="Three times as many trees in a forest",
    library=SKLEARN,
    family="ensemble",
    granularity=Granularity.PARAM,
    paper="Breiman 2001, Random Forests",
    precondition="a forest whose n_estimators is a literal or the default",
    expected="less variance between seeds, a small gain in the mean",
    prior=0.5,
    find=_count,
)


def _depth(module: Module) -> Iterator[Lever]:
    defaults = dict.fromkeys(BOOSTED, "3")
    names = FORESTS | BOOSTED | HISTOGRAM | {"DecisionTreeClassifier", "DecisionTreeRegressor"}
    for estimator in find_estimators(module, names):
        if in_search(module, "max_depth"):
            continue
        yield from number_levers(
            module,
            estimator.call,
            Number("max_depth", defaults.get(estimator.name, "")),
            (Step(1.5), Step(0.67, least=1, weight=0.8)),
            anchor=estimator.anchor,
            what=f"the depth of the trees of {estimator.name}",
            reason="depth sets the order of interactions that a tree can express",
        )


TREE_DEPTH = Transformation(
    name="tree-depth",
    summary="Deeper or shallower trees",
    library=SKLEARN,
    family="capacity",
    granularity=Granularity.PARAM,
    paper="Friedman 2001, Greedy Function Approximation, section 7",
    precondition="a tree model whose max_depth is a number",
    expected="a little either way",
    prior=0.35,
    find=_depth,
)


def _leaves(module: Module) -> Iterator[Lever]:
    names = FORESTS | {"DecisionTreeClassifier", "DecisionTreeRegressor"}
    for estimator in find_estimators(module, names):
        if in_search(module, "min_samples_leaf"):
            continue
        given = estimator.call.value("min_samples_leaf") is not None
        yield from number_levers(
            module,
            estimator.call,
            Number("min_samples_leaf", "1"),
            (Step(2), Step(0.5, least=1)) if given else (Step(2),),
            anchor=estimator.anchor,
            what=f"the rows that a leaf of {estimator.name} needs",
            reason="small leaves learn the noise of single rows, large ones miss detail",
        )


LEAF_SIZE = Transformation(
    name="leaf-size",
    summary="Half or twice as many training rows a leaf",
    library=SKLEARN,
    family="regularisation",
    granularity=Granularity.PARAM,
    paper="Probst, Wright & Boulesteix 2019, Hyperparameters and Tuning of Random Forests",
    precondition="a tree or forest whose min_samples_leaf is a literal or the default",
    expected="larger leaves help where labels are noisy, smaller ones where they are clean",
    prior=0.25,
    find=_leaves,
)


def _features(module: Module) -> Iterator[Lever]:
    for estimator in find_estimators(module, FORESTS):
        if estimator.call.value("max_features") is not None or in_search(module, "max_features"):
            continue

        def change(draft: Draft, estimator: Estimator = estimator) -> None:
            draft.keywords(estimator.call, max_features="0.3")

        yield Lever(
            estimator.call.node,
            estimator.anchor,
            change,
            f"Try 30 % of the features at each split of {estimator.name}",
            "how many features compete at a split sets how alike the trees are",
        )


SPLIT_FEATURES = Transformation(
    name="split-features",
    summary="30 % of the features at each split",
    library=SKLEARN,
    family="regularisation",
    granularity=Granularity.PARAM,
    paper="Probst, Wright & Boulesteix 2019, Hyperparameters and Tuning of Random Forests",
    precondition="a forest without max_features",
    expected="a little either way: stronger trees that are more alike",
    prior=0.3,
    find=_features,
)


def _criterion(module: Module) -> Iterator[Lever]:
    names = ("RandomForestClassifier", "ExtraTreesClassifier", "DecisionTreeClassifier")
    for estimator in find_estimators(module, names):
        if estimator.call.value("criterion") is not None or in_search(module, "criterion"):
            continue

        def change(draft: Draft, estimator: Estimator = estimator) -> None:
            draft.keywords(estimator.call, criterion='"entropy"')

        yield Lever(
            estimator.call.node,
            estimator.anchor,
            change,
            f"Split by information gain in {estimator.name}",
            "entropy prefers purer small leaves than the Gini index does",
        )


CRITERION = Transformation(
    name="split-criterion",
    summary="Gini → entropy",
    library=SKLEARN,
    family="criterion",
    granularity=Granularity.PARAM,
    paper="Raileanu & Stoffel 2004, Theoretical Comparison Between the Gini Index and Entropy",
    precondition="a classification tree or forest without `criterion`",
    expected="differs in about 2 % of splits: very little either way",
    prior=0.15,
    find=_criterion,
)

TRANSFORMATIONS = (TREE_COUNT, TREE_DEPTH, LEAF_SIZE, SPLIT_FEATURES, CRITERION)
