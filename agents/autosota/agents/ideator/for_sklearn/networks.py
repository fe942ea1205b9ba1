"""scikit-learn's multi-layer perceptrons: early stopping, width, learning rate."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from autosota.agents.domain import Granularity
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_sklearn.estimators import (
    NETWORKS,
    Estimator,
    find_estimators,
    in_search,
)
from autosota.agents.ideator.module import Module
from autosota.agents.ideator.notation import read_number, write_number
from autosota.agents.ideator.steps import Number, Step, number_levers
from autosota.agents.ideator.transformation import Dial, Lever, Transformation

SKLEARN = "scikit-learn"


def _early(module: Module) -> Iterator[Lever]:
    for estimator in find_estimators(module, NETWORKS | {"SGDClassifier", "SGDRegressor"}):
        if estimator.call.value("early_stopping") is not None:
            continue

        def change(draft: Draft, estimator: Estimator = estimator) -> None:
            draft.keywords(estimator.call, early_stopping="True")

        yield Lever(
            estimator.call.node,
            estimator.anchor,
            change,
            f"Stop {estimator.name} early, on rows it splits off its training data",
            "training goes on until the training loss settles",
            assumptions=("a tenth of the training rows can be spared",),
            cost=0.7,
        )


EARLY_STOPPING = Transformation(
    name="early-stopping",
    summary="Early stopping on a split of the training data",
    library=SKLEARN,
    family="training-length",
    granularity=Granularity.PARAM,
    paper="Prechelt 1998, Early Stopping – But When?",
    precondition="an MLP or SGD estimator without `early_stopping`",
    expected="less overfitting on small data, or a loss from fewer rows",
    prior=0.25,
    find=_early,
)


def _width(module: Module) -> Iterator[Lever]:
    for estimator in find_estimators(module, NETWORKS):
        given = estimator.call.value("hidden_layer_sizes", 0)
        if in_search(module, "hidden_layer_sizes") or (
            given is not None and given.type not in ("tuple", "list", "integer")
        ):
            continue
        old = module.text(given) if given is not None else "(100,)"
        sizes = [given] if given is not None and given.type == "integer" else []
        if given is not None and given.type in ("tuple", "list"):
            sizes = [c for c in given.named_children if c.type != "comment"]
        values = [read_number(module.text(s)) for s in sizes] if given is not None else [100]
        if not values or any(not isinstance(v, int) for v in values):
            continue

        def change(draft: Draft, estimator: Estimator = estimator) -> None:
            given = estimator.call.value("hidden_layer_sizes", 0)
            if given is None:
                draft.keywords(estimator.call, hidden_layer_sizes="(200,)")
                return
            nodes = [given] if given.type == "integer" else given.named_children
            for node in nodes:
                size = read_number(draft.module.text(node))
                if size is not None:
                    draft.replace(node, write_number(size * 2, draft.module.text(node)))

        yield Lever(
            estimator.call.node,
            estimator.anchor,
            change,
            f"Double the hidden width of {estimator.name} from {old}",
            "wider networks are easier to fit, and often generalise better",
            {"from": old},
            cost=2.0,
            dials=tuple(_layer_dials(module, estimator, sizes)),
        )


def _layer_dials(module: Module, estimator: Estimator, sizes: list[Node]) -> Iterator[Dial]:
    """The width of each hidden layer, or of the one that scikit-learn defaults to."""
    keyword = "hidden_layer_sizes"

    def write_default(draft: Draft, new: str) -> None:
        draft.keywords(estimator.call, hidden_layer_sizes=f"({new},)")

    if not sizes:
        site = (module.path, estimator.call.node.start_byte, keyword)
        anchor = f"{estimator.anchor}, {keyword}[0]"
        yield Dial(anchor, keyword, keyword, "100", site, write_default, power=1.0)
    for index, node in enumerate(sizes):

        def write(draft: Draft, new: str, node: Node = node) -> None:
            draft.replace(node, new)

        label = f"{keyword}[{index}]" if len(sizes) > 1 else keyword
        site = (module.path, node.start_byte, "")
        anchor = f"{estimator.anchor}, {keyword}[{index}]"
        yield Dial(anchor, keyword, label, module.text(node), site, write, power=1.0)


MLP_WIDTH = Transformation(
    name="mlp-width",
    summary="Twice as many hidden units",
    library=SKLEARN,
    family="capacity",
    granularity=Granularity.PARAM,
    paper="Neyshabur et al. 2019, Towards Understanding the Role of Over-Parametrization",
    precondition="an MLP whose hidden_layer_sizes is the default or a display of integers",
    expected="a gain when the network underfits",
    prior=0.4,
    find=_width,
)


def _rate(module: Module) -> Iterator[Lever]:
    for estimator in find_estimators(module, NETWORKS):
        if in_search(module, "learning_rate_init"):
            continue
        yield from number_levers(
            module,
            estimator.call,
            Number("learning_rate_init", "0.001", real=True),
            (Step(3), Step(0.3)),
            anchor=estimator.anchor,
            what=f"the learning rate of {estimator.name}",
            reason="the learning rate is the first thing to tune in a network",
        )


MLP_RATE = Transformation(
    name="mlp-rate",
    summary="Learning rate of an MLP three times up or down",
    library=SKLEARN,
    family="learning-rate",
    granularity=Granularity.PARAM,
    paper="Bengio 2012, Practical Recommendations for Gradient-Based Training, arXiv 1206.5533",
    precondition="an MLP whose learning_rate_init is a literal or the default",
    expected="a little either way",
    prior=0.3,
    find=_rate,
)

TRANSFORMATIONS = (EARLY_STOPPING, MLP_WIDTH, MLP_RATE)
