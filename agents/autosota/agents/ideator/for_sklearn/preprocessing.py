"""Steps in front of an estimator: scaling, whitening, kernel features, a calmer target.

Each is put inside a pipeline, so that it is fitted on training rows only.
"""

from __future__ import annotations

from collections.abc import Iterator

from autosota.agents.domain import Granularity, Level
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_sklearn.estimators import (
    KERNEL_MACHINES,
    LINEAR_CLASSIFIERS,
    LINEAR_REGRESSORS,
    NEIGHBOURS,
    NETWORKS,
    SCALE_SENSITIVE,
    TREES,
    Estimator,
    find_estimators,
    is_scaled,
    is_sparse,
    is_wrappable,
    mentions,
    put_in_front,
)
from autosota.agents.ideator.module import Module
from autosota.agents.ideator.transformation import Lever, Transformation

SKLEARN = "scikit-learn"
SCALER = "sklearn.preprocessing.StandardScaler"


def _scale(module: Module) -> Iterator[Lever]:
    if is_scaled(module) or is_sparse(module):
        return
    for estimator in find_estimators(module, SCALE_SENSITIVE):
        if is_wrappable(estimator):

            def change(draft: Draft, estimator: Estimator = estimator) -> None:
                put_in_front(draft, estimator, [("scale", f"{draft.spell(SCALER)}()")])

            yield Lever(
                estimator.call.node,
                estimator.anchor,
                change,
                f"Standardise the inputs of {estimator.name} inside its pipeline",
                f"{estimator.name} depends on the scale of its features, and nothing scales them",
            )


SCALE_INPUTS = Transformation(
    name="scale-inputs",
    summary="Standardise inputs inside the pipeline (StandardScaler)",
    library=SKLEARN,
    family="features",
    granularity=Granularity.CODE,
    paper="LeCun, Bottou, Orr & Müller 1998, Efficient BackProp, section 4.3",
    precondition="a scale-sensitive estimator, dense features, and no scaler anywhere near",
    expected="faster convergence and fair weights when features differ in range",
    prior=0.5,
    find=_scale,
)


def _kernel_features(module: Module) -> Iterator[Lever]:
    names = (LINEAR_CLASSIFIERS | LINEAR_REGRESSORS) - {"LinearRegression"}
    if mentions(module, "Nystroem") or mentions(module, "RBFSampler"):
        return
    scaled, sparse = is_scaled(module), is_sparse(module)
    for estimator in find_estimators(module, names):
        if not is_wrappable(estimator):
            continue

        def change(draft: Draft, estimator: Estimator = estimator) -> None:
            steps = [] if scaled or sparse else [("scale", f"{draft.spell(SCALER)}()")]
            seed = "".join(f", {k}={v}" for k, v in estimator.seed.items())
            nystroem = draft.spell("sklearn.kernel_approximation.Nystroem")
            steps.append(("kernel", f"{nystroem}(n_components=300{seed})"))
            put_in_front(draft, estimator, steps)

        yield Lever(
            estimator.call.node,
            estimator.anchor,
            change,
            f"Let {estimator.name} see 300 Nyström features of an RBF kernel",
            f"{estimator.name} is linear in its inputs; the kernel map makes it non-linear",
            assumptions=("at least a few hundred training rows",),
            cost=1.5,
        )


KERNEL_FEATURES = Transformation(
    name="kernel-features",
    summary="Approximate RBF features in front of a linear model (Nystroem)",
    library=SKLEARN,
    family="model",
    granularity=Granularity.ALGO,
    paper="Williams & Seeger 2001, Using the Nyström Method to Speed Up Kernel Machines",
    precondition="a linear model that may sit in a pipeline, and no kernel map yet",
    expected="a clear gain where classes are not linearly separable",
    prior=0.4,
    find=_kernel_features,
    risk=Level.MEDIUM,
)


def _products(module: Module) -> Iterator[Lever]:
    if is_sparse(module) or any(mentions(module, n) for n in ("PolynomialFeatures", "Nystroem")):
        return
    scaled = is_scaled(module)
    for estimator in find_estimators(module, LINEAR_CLASSIFIERS | LINEAR_REGRESSORS):
        if not is_wrappable(estimator):
            continue

        def change(draft: Draft, estimator: Estimator = estimator) -> None:
            products = draft.spell("sklearn.preprocessing.PolynomialFeatures")
            steps = [("products", f"{products}(degree=2, include_bias=False)")]
            if not scaled:
                steps.append(("scale", f"{draft.spell(SCALER)}()"))
            put_in_front(draft, estimator, steps)

        yield Lever(
            estimator.call.node,
            estimator.anchor,
            change,
            f"Let {estimator.name} see squares and products of pairs of features",
            f"{estimator.name} adds up its features; it cannot see how two act together",
            assumptions=("at most about a hundred features; their pairs must fit in memory",),
            cost=4.0,
        )


PRODUCTS = Transformation(
    name="feature-products",
    summary="Second-order polynomial features in front of a linear model",
    library=SKLEARN,
    family="features",
    granularity=Granularity.CODE,
    paper="Chang et al. 2010, Training and Testing Low-Degree Polynomial Data Mappings, JMLR 11",
    precondition="a linear model on dense features that may sit in a pipeline",
    expected="a gain where features interact; slow with many features",
    prior=0.35,
    find=_products,
    risk=Level.MEDIUM,
)


def _whiten(module: Module) -> Iterator[Lever]:
    if is_sparse(module) or any(mentions(module, n) for n in ("PCA", "TruncatedSVD")):
        return
    for estimator in find_estimators(module, NEIGHBOURS | KERNEL_MACHINES | NETWORKS):
        if is_wrappable(estimator):

            def change(draft: Draft, estimator: Estimator = estimator) -> None:
                pca = draft.spell("sklearn.decomposition.PCA")
                seed = "".join(f", {k}={v}" for k, v in estimator.seed.items())
                put_in_front(
                    draft,
                    estimator,
                    [("whiten", f'{pca}(n_components=0.95, whiten=True, svd_solver="full"{seed})')],
                )

            yield Lever(
                estimator.call.node,
                estimator.anchor,
                change,
                f"Whiten the inputs of {estimator.name} with PCA (95 % of the variance)",
                f"{estimator.name} compares inputs by distance; correlated features count twice",
            )


WHITEN = Transformation(
    name="pca-whitening",
    summary="Whiten inputs with PCA inside the pipeline",
    library=SKLEARN,
    family="features",
    granularity=Granularity.CODE,
    paper="Kessy, Lewin & Strimmer 2018, Optimal Whitening and Decorrelation, arXiv 1512.00809",
    precondition="a distance or kernel method or a network, dense features, no PCA near it",
    expected="better distances when features are correlated; a loss when they are not",
    prior=0.25,
    find=_whiten,
    risk=Level.MEDIUM,
)


def _calm_target(module: Module) -> Iterator[Lever]:
    if mentions(module, "TransformedTargetRegressor") or "log1p" in module.attributes:
        return
    regressors = LINEAR_REGRESSORS | {
        n
        for n in KERNEL_MACHINES | NEIGHBOURS | NETWORKS | TREES
        if n.endswith(("Regressor", "SVR"))
    }
    for estimator in find_estimators(module, regressors):
        if is_wrappable(estimator):

            def change(draft: Draft, estimator: Estimator = estimator) -> None:
                wrapper = draft.spell("sklearn.compose.TransformedTargetRegressor")
                power = draft.spell("sklearn.preprocessing.PowerTransformer")
                draft.wrap(estimator.call.node, f"{wrapper}(", f", transformer={power}())")

            yield Lever(
                estimator.call.node,
                estimator.anchor,
                change,
                f"Fit {estimator.name} on a Yeo-Johnson transformed target",
                "a skewed target pulls a squared loss towards its tail",
                assumptions=("the target is skewed",),
            )


CALM_TARGET = Transformation(
    name="power-target",
    summary="Transform the regression target and back (Yeo-Johnson)",
    library=SKLEARN,
    family="target",
    granularity=Granularity.CODE,
    paper="Yeo & Johnson 2000, A New Family of Power Transformations",
    precondition="a regressor whose target is not transformed yet",
    expected="lower error when the target is skewed, nothing otherwise",
    prior=0.25,
    find=_calm_target,
    risk=Level.MEDIUM,
)

TRANSFORMATIONS = (SCALE_INPUTS, KERNEL_FEATURES, PRODUCTS, WHITEN, CALM_TARGET)
