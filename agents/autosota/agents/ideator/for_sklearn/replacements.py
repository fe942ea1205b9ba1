"""Replacing one estimator by another of a different family.

What carries over is what means the same in both: the seed, class weights, a penalty between
margin losses. Everything else is left at the library's defaults and not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from autosota.agents.domain import Granularity, Level
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_sklearn.estimators import (
    ESTIMATORS,
    KERNEL_MACHINES,
    LINEAR_CLASSIFIERS,
    NEIGHBOURS,
    NETWORKS,
    TREES,
    Estimator,
    attributes_used,
    find_estimators,
    is_scaled,
    is_sparse,
    is_wrappable,
)
from autosota.agents.ideator.module import Module
from autosota.agents.ideator.transformation import Lever, Transformation

SKLEARN = "scikit-learn"
_NO_SEED = ("the run's seed matters elsewhere too: this model draws nothing at random",)
_PROBABILITIES = frozenset(["predict_proba", "predict_log_proba"])
_BOOTSTRAP_ONLY = ("oob_score", "max_samples", "bootstrap")
_FORESTS = frozenset(["RandomForestClassifier", "RandomForestRegressor"])
_HISTOGRAM = frozenset(["HistGradientBoostingClassifier", "HistGradientBoostingRegressor"])
_BOOSTED = frozenset(["GradientBoostingClassifier", "GradientBoostingRegressor"])
_SINGLE = frozenset(["DecisionTreeClassifier", "DecisionTreeRegressor"])


def _replace(
    module: Module,
    names: Collection[str],
    build: Callable[[Draft, Estimator], str],
    title: str,
    reason: str,
    *,
    cost: float,
    assumptions: tuple[str, ...] = (),
    fixed: bool = False,
) -> Iterator[Lever]:
    """Levers that put what `build` writes in the place of an estimator.

    `fixed` says that the new estimator draws nothing at random.
    """
    for estimator in find_estimators(module, names):
        if not is_wrappable(estimator):
            continue

        def change(draft: Draft, estimator: Estimator = estimator) -> None:
            draft.replace(estimator.call.node, build(draft, estimator))
            draft.retire(estimator.call)

        yield Lever(
            estimator.call.node,
            estimator.anchor,
            change,
            title.format(estimator.name),
            reason.format(estimator.name),
            assumptions=assumptions + (_NO_SEED if fixed and estimator.seed else ()),
            cost=cost,
        )


def _construct(name: str, *arguments: dict[str, str]) -> str:
    given = [f"{k}={v}" for group in arguments for k, v in group.items()]
    return f"{name}({', '.join(given)})"


def _scaled(draft: Draft, code: str) -> str:
    """The estimator behind a scaler, unless the code scales already or cannot be centred."""
    if is_scaled(draft.module) or is_sparse(draft.module):
        return code
    maker = draft.spell("sklearn.pipeline.make_pipeline")
    return f"{maker}({draft.spell('sklearn.preprocessing.StandardScaler')}(), {code})"


def _kind(estimator: Estimator) -> str:
    return "Classifier" if estimator.is_classifier else "Regressor"


def _margin(module: Module) -> Iterator[Lever]:
    used = attributes_used(module)
    proba = bool(used & _PROBABILITIES)
    if is_sparse(module) or (proba and "decision_function" in used):
        return

    def build(draft: Draft, estimator: Estimator) -> str:
        if not estimator.is_classifier:
            return _scaled(draft, f"{draft.spell('sklearn.svm.SVR')}()")
        names = ["C", "class_weight"] if estimator.name in LINEAR_CLASSIFIERS else ["class_weight"]
        svc = _construct(
            draft.spell("sklearn.svm.SVC", beside=estimator.call), estimator.carried(*names)
        )
        if proba:
            # SVC(probability=True) goes away in scikit-learn 1.11; this replaces it.
            calibrated = draft.spell("sklearn.calibration.CalibratedClassifierCV")
            svc = f"{calibrated}({svc}, ensemble=False)"
        return _scaled(draft, svc)

    yield from _replace(
        module,
        ESTIMATORS - KERNEL_MACHINES,
        build,
        "Replace {} by a support vector machine with an RBF kernel",
        "a kernel machine draws smooth, curved boundaries, which {} does not",
        cost=3.0 if proba else 1.5,
        assumptions=("at most some tens of thousands of training rows",),
        fixed=True,
    )


RBF_SVC = Transformation(
    name="rbf-svc",
    summary="Another classifier or regressor → SVC or SVR with an RBF kernel",
    library=SKLEARN,
    family="model",
    granularity=Granularity.ALGO,
    paper="Cortes & Vapnik 1995, Support-Vector Networks",
    precondition="an estimator on dense features whose internals the code does not read",
    expected="a clear gain where classes are separable by a smooth boundary",
    prior=0.55,
    find=_margin,
    risk=Level.MEDIUM,
)


def _extra_trees(module: Module) -> Iterator[Lever]:
    for estimator in find_estimators(module, _FORESTS):
        if any(estimator.call.value(name) is not None for name in _BOOTSTRAP_ONLY):
            continue

        def change(draft: Draft, estimator: Estimator = estimator) -> None:
            # The two take the same arguments, so only the name changes.
            dotted = f"sklearn.ensemble.ExtraTrees{_kind(estimator)}"
            draft.replace(estimator.call.function, draft.spell(dotted, beside=estimator.call))
            draft.retire(estimator.call)

        yield Lever(
            estimator.call.node,
            estimator.anchor,
            change,
            "Grow extremely randomised trees instead of a random forest",
            "random thresholds lower the variance of a forest, and its cost",
        )
    if "decision_function" in attributes_used(module):
        return

    def build(draft: Draft, estimator: Estimator) -> str:
        name = draft.spell(f"sklearn.ensemble.ExtraTrees{_kind(estimator)}")
        kept = estimator.carried("class_weight", "random_state", "n_jobs")
        return _construct(name, {"n_estimators": "200"}, kept)

    yield from _replace(
        module,
        (ESTIMATORS - TREES) | _SINGLE,
        build,
        "Replace {} by extremely randomised trees",
        "averaged random trees need no scaling and see interactions that {} may miss",
        cost=1.5,
    )


EXTRA_TREES = Transformation(
    name="extra-trees",
    summary="Another estimator → ExtraTrees",
    library=SKLEARN,
    family="model",
    granularity=Granularity.ALGO,
    paper="Geurts, Ernst & Wehenkel 2006, Extremely Randomized Trees",
    precondition="a forest that does not use its bootstrap samples, or a replaceable estimator",
    expected="as good or better where features are many and alike (pixels)",
    prior=0.45,
    find=_extra_trees,
)


def _boosting(module: Module) -> Iterator[Lever]:
    used = attributes_used(module)
    if is_sparse(module) or "decision_path" in used:
        return

    def build(draft: Draft, estimator: Estimator) -> str:
        dotted = f"sklearn.ensemble.HistGradientBoosting{_kind(estimator)}"
        kept = estimator.carried("class_weight", "random_state")
        if estimator.name in _BOOSTED:
            rename = {"learning_rate": "learning_rate", "n_estimators": "max_iter"}
            kept |= {rename[k]: v for k, v in estimator.carried(*rename).items()}
        return _construct(draft.spell(dotted, beside=estimator.call), kept)

    yield from _replace(
        module,
        ESTIMATORS - _HISTOGRAM,
        build,
        "Replace {} by gradient boosting on histograms",
        "boosting adds trees where the last ones were wrong, which lowers the bias of {}",
        cost=2.0,
    )


BOOSTING = Transformation(
    name="histogram-boosting",
    summary="Another estimator → HistGradientBoosting",
    library=SKLEARN,
    family="model",
    granularity=Granularity.ALGO,
    paper="Friedman 2001, Greedy Function Approximation; Ke et al. 2017, LightGBM",
    precondition="an estimator on dense features whose internals the code does not read",
    expected="a gain on tabular data with interactions",
    prior=0.4,
    find=_boosting,
    risk=Level.MEDIUM,
)


def _perceptron(module: Module) -> Iterator[Lever]:
    if "decision_function" in attributes_used(module):
        return

    def build(draft: Draft, estimator: Estimator) -> str:
        name = draft.spell(f"sklearn.neural_network.MLP{_kind(estimator)}")
        return _scaled(draft, _construct(name, {"max_iter": "500"}, estimator.seed))

    yield from _replace(
        module,
        ESTIMATORS - NETWORKS,
        build,
        "Replace {} by a perceptron with a hidden layer of 100",
        "a network learns features of its own, which {} cannot",
        cost=3.0,
    )


PERCEPTRON = Transformation(
    name="perceptron",
    summary="Another estimator → multi-layer perceptron",
    library=SKLEARN,
    family="model",
    granularity=Granularity.ALGO,
    paper="Rumelhart, Hinton & Williams 1986, Learning Representations by Back-Propagation",
    precondition="a replaceable estimator; decision_function is not used",
    expected="a gain with some thousands of rows and smooth structure",
    prior=0.45,
    find=_perceptron,
    risk=Level.MEDIUM,
)


def _discriminant(module: Module) -> Iterator[Lever]:
    if is_sparse(module):
        return

    def build(draft: Draft, estimator: Estimator) -> str:
        name = draft.spell("sklearn.discriminant_analysis.LinearDiscriminantAnalysis")
        return f'{name}(solver="lsqr", shrinkage="auto")'

    yield from _replace(
        module,
        LINEAR_CLASSIFIERS,
        build,
        "Replace {} by linear discriminants with a shrunken covariance",
        "with few rows a class's mean and covariance are easier to estimate than {}'s weights",
        cost=1.0,
        fixed=True,
    )


DISCRIMINANT = Transformation(
    name="shrunken-discriminant",
    summary="Linear classifier → linear discriminant analysis with shrinkage",
    library=SKLEARN,
    family="model",
    granularity=Granularity.ALGO,
    paper="Ledoit & Wolf 2004, A Well-Conditioned Estimator for Large Covariance Matrices",
    precondition="a linear classifier on dense features",
    expected="a gain with few rows and many correlated features",
    prior=0.25,
    find=_discriminant,
)


def _nearest(module: Module) -> Iterator[Lever]:
    if "decision_function" in attributes_used(module):
        return

    def build(draft: Draft, estimator: Estimator) -> str:
        name = draft.spell(f"sklearn.neighbors.KNeighbors{_kind(estimator)}")
        return _scaled(draft, f'{name}(n_neighbors=5, weights="distance")')

    yield from _replace(
        module,
        ESTIMATORS - NEIGHBOURS,
        build,
        "Replace {} by a vote of the five nearest training rows",
        "where distance means something, memory alone can beat {}",
        cost=1.5,
        fixed=True,
    )


NEAREST = Transformation(
    name="nearest-neighbours",
    summary="Another estimator → k nearest neighbours",
    library=SKLEARN,
    family="model",
    granularity=Granularity.ALGO,
    paper="Cover & Hart 1967, Nearest Neighbor Pattern Classification",
    precondition="a replaceable estimator; decision_function is not used",
    expected="a gain in few dimensions or on aligned images, a loss with many noisy features",
    prior=0.25,
    find=_nearest,
    risk=Level.MEDIUM,
)

TRANSFORMATIONS = (RBF_SVC, EXTRA_TREES, BOOSTING, PERCEPTRON, DISCRIMINANT, NEAREST)
