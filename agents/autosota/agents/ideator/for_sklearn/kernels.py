"""Kernels of support vector machines: their kind and their width."""

from __future__ import annotations

from collections.abc import Iterator

from autosota.agents.domain import Granularity, Level
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_sklearn.estimators import (
    Estimator,
    attributes_used,
    find_estimators,
    in_search,
)
from autosota.agents.ideator.module import Module
from autosota.agents.ideator.steps import Number, Step, number_levers
from autosota.agents.ideator.transformation import Lever, Transformation

SKLEARN = "scikit-learn"


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
            Number("gamma", real=True),
            (Step(3), Step(0.3)),
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


def _tube(module: Module) -> Iterator[Lever]:
    for estimator in find_estimators(module, ("SVR", "LinearSVR")):
        if in_search(module, "epsilon"):
            continue
        yield from number_levers(
            module,
            estimator.call,
            Number("epsilon", "0.1" if estimator.name == "SVR" else "", real=True),
            (Step(3), Step(0.3)),
            anchor=estimator.anchor,
            what=f"the error that {estimator.name} tolerates",
            reason="errors below epsilon cost nothing; it should match the noise of the target",
        )


TUBE_WIDTH = Transformation(
    name="tube-width",
    summary="Epsilon of support vector regression three times up or down",
    library=SKLEARN,
    family="loss",
    granularity=Granularity.PARAM,
    paper="Smola & Schölkopf 2004, A Tutorial on Support Vector Regression",
    precondition="support vector regression whose epsilon is a number or the default",
    expected="a little either way; it depends on the unit of the target",
    prior=0.35,
    find=_tube,
)


def _share(module: Module) -> Iterator[Lever]:
    for estimator in find_estimators(module, ("NuSVC", "NuSVR")):
        if in_search(module, "nu"):
            continue
        yield from number_levers(
            module,
            estimator.call,
            Number("nu", "0.5", real=True),
            (Step(0.5), Step(1.4, most=0.9)),
            anchor=estimator.anchor,
            what=f"the share of support vectors of {estimator.name}",
            reason="nu bounds the share of training rows on the wrong side of the margin",
        )


MARGIN_SHARE = Transformation(
    name="margin-share",
    summary="Nu of a support vector machine up or down",
    library=SKLEARN,
    family="regularisation",
    granularity=Granularity.PARAM,
    paper="Schölkopf et al. 2000, New Support Vector Algorithms",
    precondition="a nu-SVM whose nu is a number or the default",
    expected="a little either way; a large nu may be infeasible with unequal classes",
    prior=0.25,
    find=_share,
    risk=Level.MEDIUM,
)

TRANSFORMATIONS = (RBF_KERNEL, KERNEL_WIDTH, TUBE_WIDTH, MARGIN_SHARE)
