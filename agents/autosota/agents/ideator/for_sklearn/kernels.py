"""Support vector machines: from a linear boundary to a kernel, and the kernel's width."""

from __future__ import annotations

from collections.abc import Iterator

from autosota.agents.domain import Granularity, Level
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_sklearn.ensembles import replace_estimator
from autosota.agents.ideator.for_sklearn.estimators import (
    LINEAR_CLASSIFIERS,
    Estimator,
    attributes_used,
    find_estimators,
    in_search,
    is_sparse,
    is_wrappable,
    mentions,
)
from autosota.agents.ideator.module import Module
from autosota.agents.ideator.steps import Number, Step, number_levers
from autosota.agents.ideator.transformation import Lever, Transformation

SKLEARN = "scikit-learn"


def _rbf(module: Module) -> Iterator[Lever]:
    if is_sparse(module) or mentions(module, "Nystroem"):
        return
    used = attributes_used(module)
    proba = bool(used & {"predict_proba", "predict_log_proba"})
    if proba and "decision_function" in used:
        return
    for estimator in find_estimators(module, LINEAR_CLASSIFIERS):
        if not is_wrappable(estimator) or estimator.call.positional:
            continue

        def change(draft: Draft, estimator: Estimator = estimator) -> None:
            # C means the same only between margin losses on the same scale; it is kept.
            keep = {"C": "C", "class_weight": "class_weight"}
            if not proba:
                replace_estimator(draft, estimator, "sklearn.svm.SVC", keep)
                return
            # SVC(probability=True) goes away in scikit-learn 1.11; this is what replaces it.
            calibrated = draft.spell("sklearn.calibration.CalibratedClassifierCV")
            given = ", ".join(f"{k}={v}" for k, v in estimator.carried(*keep).items())
            svc = draft.spell("sklearn.svm.SVC", beside=estimator.call)
            draft.replace(estimator.call.node, f"{calibrated}({svc}({given}), ensemble=False)")
            draft.retire(estimator.call)

        yield Lever(
            estimator.call.node,
            estimator.anchor,
            change,
            f"Replace {estimator.name} by a support vector machine with an RBF kernel",
            f"{estimator.name} can only draw straight boundaries",
            assumptions=("at most some tens of thousands of training rows",),
            cost=3.0 if proba else 2.0,
        )


RBF_SVC = Transformation(
    name="rbf-svc",
    summary="Linear classifier → SVC with an RBF kernel",
    library=SKLEARN,
    family="model",
    granularity=Granularity.ALGO,
    paper="Cortes & Vapnik 1995, Support-Vector Networks",
    precondition="a linear classifier on dense features whose coefficients are not read",
    expected="a clear gain where classes are not linearly separable",
    prior=0.6,
    find=_rbf,
    risk=Level.MEDIUM,
)


def _kernel(module: Module) -> Iterator[Lever]:
    if "coef_" in attributes_used(module):
        return
    for estimator in find_estimators(module, ("SVC", "SVR", "NuSVC", "NuSVR")):
        kernel = estimator.call.value("kernel")
        if kernel is None or module.text(kernel).strip("'\"") not in ("linear", "poly"):
            continue
        if in_search(module, "kernel"):
            continue
        quote = module.text(kernel)[0]

        def change(
            draft: Draft, estimator: Estimator = estimator, text: str = f"{quote}rbf{quote}"
        ) -> None:
            draft.keywords(estimator.call, kernel=text)

        yield Lever(
            estimator.call.node,
            estimator.anchor,
            change,
            f"Use an RBF kernel in {estimator.name}",
            f"the {module.text(kernel)} kernel fixes the shape of the boundary",
        )


RBF_KERNEL = Transformation(
    name="rbf-kernel",
    summary="Linear or polynomial kernel → RBF",
    library=SKLEARN,
    family="model",
    granularity=Granularity.CODE,
    paper="Schölkopf et al. 1997, Comparing Support Vector Machines with Gaussian Kernels",
    precondition="a support vector machine with a linear or polynomial kernel",
    expected="a gain where the boundary is curved",
    prior=0.5,
    find=_kernel,
)


def _width(module: Module) -> Iterator[Lever]:
    for estimator in find_estimators(module, ("SVC", "SVR", "NuSVC", "NuSVR")):
        if in_search(module, "gamma"):
            continue
        yield from number_levers(
            module,
            estimator.call,
            Number("gamma"),
            (Step(3), Step(1 / 3)),
            anchor=estimator.anchor,
            what=f"the kernel width parameter of {estimator.name}",
            reason="gamma sets how local the boundary is",
        )


KERNEL_WIDTH = Transformation(
    name="kernel-width",
    summary="Gamma of a kernel three times up or down",
    library=SKLEARN,
    family="regularisation",
    granularity=Granularity.PARAM,
    paper="Keerthi & Lin 2003, Asymptotic Behaviors of SVMs with Gaussian Kernel",
    precondition="a support vector machine whose gamma is a number",
    expected="a little either way",
    prior=0.35,
    find=_width,
)

TRANSFORMATIONS = (RBF_SVC, RBF_KERNEL, KERNEL_WIDTH)
