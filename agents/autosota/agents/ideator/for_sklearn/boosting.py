"""Numbers of gradient boosting: steps, rows and leaves of each tree."""

from __future__ import annotations

from collections.abc import Iterator

from autosota.agents.domain import Granularity
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_sklearn.estimators import Estimator, find_estimators, in_search
from autosota.agents.ideator.for_sklearn.trees import BOOSTED, HISTOGRAM, SKLEARN
from autosota.agents.ideator.knobs import find_knob
from autosota.agents.ideator.module import Module
from autosota.agents.ideator.notation import read_number, write_number
from autosota.agents.ideator.steps import Number, Step, number_dial, number_levers
from autosota.agents.ideator.transformation import Lever, Transformation


def _shrinkage(module: Module) -> Iterator[Lever]:
    for estimator in find_estimators(module, BOOSTED | HISTOGRAM):
        count = "max_iter" if estimator.name in HISTOGRAM else "n_estimators"
        if in_search(module, "learning_rate") or in_search(module, count):
            continue
        call = estimator.call
        trees = find_knob(module, call.value(count), count)
        rate = find_knob(module, call.value("learning_rate"), "learning_rate")
        if (call.value(count) is not None and trees is None) or (
            call.value("learning_rate") is not None and rate is None
        ):
            continue
        trees_text = trees.text if trees is not None else "100"
        rate_text = rate.text if rate is not None else "0.1"
        number, speed = read_number(trees_text), read_number(rate_text)
        if number is None or not speed:
            continue
        new_trees = write_number(number * 3, trees_text)
        new_rate = write_number(speed / 3, rate_text)

        size, pace = Number(count, "100"), Number("learning_rate", "0.1", real=True)
        more, slower = [Step(3, cost=3.0)], [Step(1 / 3, most=1.0)]
        dials = (
            number_dial(module, call, size, trees, anchor=estimator.anchor, steps=more),
            number_dial(module, call, pace, rate, anchor=estimator.anchor, steps=slower),
        )

        def change(
            draft: Draft,
            estimator: Estimator = estimator,
            values: tuple[str, str] = (new_trees, new_rate),
            count: str = count,
        ) -> None:
            fresh = {}
            for keyword, text in zip((count, "learning_rate"), values, strict=True):
                knob = find_knob(draft.module, estimator.call.value(keyword), keyword)
                if knob is not None:
                    draft.replace(knob.node, text, knob.module)
                else:
                    fresh[keyword] = text
            if fresh:
                draft.keywords(estimator.call, **fresh)

        yield Lever(
            call.node,
            estimator.anchor,
            change,
            f"Boost in smaller steps: learning_rate {rate_text} → {new_rate},"
            f" {count} {trees_text} → {new_trees}",
            "many small steps generalise better than a few large ones",
            {"from": f"{trees_text} x {rate_text}", "to": f"{new_trees} x {new_rate}"},
            cost=3.0,
            dials=dials,
        )


SHRINKAGE = Transformation(
    name="shrinkage",
    summary="Smaller boosting steps, more of them",
    library=SKLEARN,
    family="training-length",
    granularity=Granularity.PARAM,
    paper="Friedman 2001, Greedy Function Approximation, section 5",
    precondition="gradient boosting whose learning rate and size are numbers, not searched over",
    expected="a small gain at three times the cost",
    prior=0.5,
    find=_shrinkage,
)


def _subsample(module: Module) -> Iterator[Lever]:
    for estimator in find_estimators(module, BOOSTED):
        if estimator.call.value("subsample") is not None or in_search(module, "subsample"):
            continue

        def change(draft: Draft, estimator: Estimator = estimator) -> None:
            draft.keywords(estimator.call, subsample="0.5")

        yield Lever(
            estimator.call.node,
            estimator.anchor,
            change,
            f"Fit each tree of {estimator.name} on half of the rows",
            "trees that see different rows make less similar errors",
            cost=0.7,
        )


SUBSAMPLE = Transformation(
    name="stochastic-boosting",
    summary="Each boosted tree on a random half of the rows",
    library=SKLEARN,
    family="regularisation",
    granularity=Granularity.PARAM,
    paper="Friedman 2002, Stochastic Gradient Boosting",
    precondition="gradient boosting without `subsample`",
    expected="a small gain, and faster",
    prior=0.4,
    find=_subsample,
)


def _leaf_limit(module: Module) -> Iterator[Lever]:
    for estimator in find_estimators(module, HISTOGRAM):
        if in_search(module, "max_leaf_nodes"):
            continue
        yield from number_levers(
            module,
            estimator.call,
            Number("max_leaf_nodes", "31"),
            (Step(0.5, cost=0.8, least=2), Step(2, cost=1.4)),
            anchor=estimator.anchor,
            what=f"the leaves of each tree of {estimator.name}",
            reason="leaves set the order of interactions that one tree can express",
        )


LEAF_LIMIT = Transformation(
    name="leaf-limit",
    summary="Half or twice the leaves of each boosted tree",
    library=SKLEARN,
    family="capacity",
    granularity=Granularity.PARAM,
    paper="Ke et al. 2017, LightGBM",
    precondition="histogram boosting whose max_leaf_nodes is a number or the default",
    expected="fewer leaves help on small data, more on large",
    prior=0.35,
    find=_leaf_limit,
)


def _shrunken_leaves(module: Module) -> Iterator[Lever]:
    for estimator in find_estimators(module, HISTOGRAM):
        if estimator.call.value("l2_regularization") is not None:
            continue
        if in_search(module, "l2_regularization"):
            continue

        def change(draft: Draft, estimator: Estimator = estimator) -> None:
            draft.keywords(estimator.call, l2_regularization="1.0")

        yield Lever(
            estimator.call.node,
            estimator.anchor,
            change,
            f"Shrink the leaves of {estimator.name} (L2 penalty 1.0)",
            "leaves with few rows get extreme values",
        )


LEAF_PENALTY = Transformation(
    name="leaf-penalty",
    summary="L2 penalty on the leaves of boosted trees",
    library=SKLEARN,
    family="regularisation",
    granularity=Granularity.PARAM,
    paper="Chen & Guestrin 2016, XGBoost, arXiv 1603.02754",
    precondition="histogram boosting without l2_regularization",
    expected="a small gain on small data",
    prior=0.3,
    find=_shrunken_leaves,
)

TRANSFORMATIONS = (SHRINKAGE, SUBSAMPLE, LEAF_LIMIT, LEAF_PENALTY)
