"""The loss that a class or function trains on: another one that takes the same arguments.

Loss objects and functional losses outside evaluation. What judges (a metric, a validation loss
in code that computes without gradients) keeps its loss.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from autosota.agents.domain import Granularity, Level
from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_torch.training import is_evaluating
from autosota.agents.ideator.module import Module, function_of, statement_of
from autosota.agents.ideator.transformation import Lever, Transformation

TORCH = "PyTorch"
_JUDGES = re.compile(r"eval|valid|test|metric|score|predict|infer|error|anomal", re.IGNORECASE)


def _trains(module: Module, call: Call) -> bool:
    """True when the loss is made or called in code that is not for judging."""
    function = function_of(call.node)
    label = function.child_by_field_name("name") if function is not None else None
    name = module.text(label) if label is not None else ""
    left = statement_of(call.node).named_children
    target = module.text(left[0]).partition("=")[0] if left else ""
    if _JUDGES.search(name) or _JUDGES.search(target) or is_evaluating(module, call.node):
        return False
    return not _shared(module, call)


def _shared(module: Module, call: Call) -> bool:
    """True when the object that a construction makes is also called where the code judges."""
    parent = call.node.parent
    left = parent.child_by_field_name("left") if parent is not None else None
    if left is None or parent is None or parent.type != "assignment":
        return False
    name = module.text(left)
    return any(
        module.text(other.function) == name
        and (is_evaluating(module, other.node) or _judging_function(module, other.node))
        for other in module.calls
    )


def _judging_function(module: Module, node: Node) -> bool:
    function = function_of(node)
    label = function.child_by_field_name("name") if function is not None else None
    return label is not None and _JUDGES.search(module.text(label)) is not None


_SQUARED = {
    "torch.nn.MSELoss": "torch.nn.SmoothL1Loss",
    "torch.nn.functional.mse_loss": "torch.nn.functional.smooth_l1_loss",
    "torch.nn.L1Loss": "torch.nn.SmoothL1Loss",
    "torch.nn.functional.l1_loss": "torch.nn.functional.smooth_l1_loss",
}


def _robust(module: Module) -> Iterator[Lever]:
    for call in module.calls:
        new = _SQUARED.get(call.dotted)
        if new is None or call.open or not _trains(module, call):
            continue

        def change(draft: Draft, call: Call = call, new: str = new) -> None:
            draft.replace(call.function, draft.spell(new, beside=call))
            draft.retire(call)

        yield Lever(
            call.node,
            _anchor(module, call),
            change,
            f"{call.name} → a Huber loss for training",
            "squares let few outliers rule, absolute values jump at zero",
        )


ROBUST = Transformation(
    name="huber-loss",
    summary="Squared or absolute loss → Huber loss, in training only",
    library=TORCH,
    family="loss",
    granularity=Granularity.ALGO,
    paper="Huber 1964, Robust Estimation of a Location Parameter; Girshick 2015, arXiv 1504.08083",
    precondition="an MSE or L1 loss outside evaluation",
    expected="a gain with outliers in the targets",
    prior=0.3,
    find=_robust,
    risk=Level.MEDIUM,
)

_CROSS = ("torch.nn.CrossEntropyLoss", "torch.nn.functional.cross_entropy")


def _soft(module: Module) -> Iterator[Lever]:
    for call in module.calls:
        if call.dotted not in _CROSS or call.open or call.value("label_smoothing") is not None:
            continue
        if not _in_method(module, call) or not _trains(module, call):
            continue

        def change(draft: Draft, call: Call = call) -> None:
            draft.keywords(call, label_smoothing="0.1")

        yield Lever(
            call.node,
            _anchor(module, call),
            change,
            "Smooth the labels of the training loss by 0.1",
            "one-hot targets push logits apart without end",
            assumptions=("the number that is reported is not this loss",),
        )


def _in_method(module: Module, call: Call) -> bool:
    """In a class: a plain step of a script is the business of `label-smoothing`."""
    return "." in module.symbol(call.node)


SOFT = Transformation(
    name="soft-labels",
    summary="Label smoothing 0.1 in the loss that a class trains on",
    library=TORCH,
    family="loss",
    granularity=Granularity.CODE,
    paper="Müller, Kornblith & Hinton 2019, When Does Label Smoothing Help, arXiv 1906.02629",
    precondition="a cross-entropy in a method that does not judge",
    expected="slightly better accuracy and calibration",
    prior=0.35,
    find=_soft,
)


def _anchor(module: Module, call: Call) -> str:
    parent = call.node.parent
    left = parent.child_by_field_name("left") if parent is not None else None
    return f"{module.text(left)} = loss" if left is not None else "loss"


TRANSFORMATIONS = (ROBUST, SOFT)
