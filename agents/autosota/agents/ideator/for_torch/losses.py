"""The training loss: label smoothing that evaluation does not see."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from autosota.agents.domain import Granularity
from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_torch.training import (
    Step,
    calls_of,
    find_forward,
    find_steps,
    is_evaluating,
    names_free,
)
from autosota.agents.ideator.module import Module, function_of, statement_of
from autosota.agents.ideator.transformation import Lever, Transformation

TORCH = "PyTorch"
COPY = "train_criterion"


def _smoothing(module: Module) -> Iterator[Lever]:
    for step in find_steps(module):
        forward = find_forward(step)
        if forward is None or forward.loss.open:
            continue
        loss = forward.loss
        if loss.dotted == "torch.nn.functional.cross_entropy":
            if loss.value("label_smoothing") is None:
                yield _lever(f"{forward.loss_name} = cross_entropy", loss, None)
            continue
        if loss.function.type != "identifier":
            continue
        found = _construction(module, step, loss.function)
        if found is None or found[0].open or found[0].value("label_smoothing") is not None:
            continue
        criterion, use = found
        anchor = f"{forward.loss_name} = {module.text(loss.function)}"
        if not _judges(module, loss, criterion):
            yield _lever(anchor, criterion, None)
        elif names_free(module, COPY) and function_of(criterion.node) == function_of(use):
            yield _lever(anchor, criterion, use)


def _lever(anchor: str, criterion: Call, use: Node | None) -> Lever:
    """Smooth `criterion` itself or, where `use` is given, a copy that only `use` gets."""

    def change(draft: Draft) -> None:
        if use is None:
            draft.keywords(criterion, label_smoothing="0.1")
            return
        module = draft.module
        inside = module.text(criterion.arguments)[1:-1].strip().rstrip(",")
        comma = ", " if inside else ""
        name = module.text(criterion.function)
        text = f"{COPY} = {name}({' '.join(inside.split())}{comma}label_smoothing=0.1)"
        draft.after(statement_of(criterion.node), [text])
        draft.replace(use, COPY)

    return Lever(
        criterion.node,
        anchor,
        change,
        "Smooth the labels of the training loss by 0.1",
        "one-hot targets push logits apart without end",
        assumptions=("targets are class indices or probabilities over classes",),
    )


def _construction(module: Module, step: Step, name: Node) -> tuple[Call, Node] | None:
    """The only `name = nn.CrossEntropyLoss(...)` that the step can mean, and its use.

    The use is where another loss object could be put: the called name in the step, or the
    argument that the step's function gets from its only caller.
    """
    scope = function_of(step.update)
    if scope is not None and module.text(name) in _parameters(module, scope):
        return _passed(module, scope, module.text(name))
    for where in dict.fromkeys((scope, None)):
        found = _assigned(module, module.text(name), where)
        if found:
            return (found[0], name) if len(found) == 1 else None
    return None


def _assigned(module: Module, name: str, scope: Node | None) -> list[Call]:
    return [
        call
        for call in module.calls
        if call.dotted == "torch.nn.CrossEntropyLoss"
        and function_of(call.node) == scope
        and _assigned_name(module, call) == name
    ]


def _passed(module: Module, function: Node, name: str) -> tuple[Call, Node] | None:
    label = function.child_by_field_name("name")
    calls = list(calls_of(module, module.text(label))) if label is not None else []
    if len(calls) != 1:
        return None
    given = calls[0].value(name, _parameters(module, function).index(name))
    if given is None:
        return None
    inline = module.call(given)
    if inline is not None:
        return (inline, given) if inline.dotted == "torch.nn.CrossEntropyLoss" else None
    for where in dict.fromkeys((function_of(given), None)):
        found = _assigned(module, module.text(given), where)
        if found:
            return (found[0], given) if len(found) == 1 else None
    return None


def _judges(module: Module, loss: Call, criterion: Call) -> bool:
    """True when the loss object is used for anything but this training loss."""
    name = _assigned_name(module, criterion)
    if not name:
        return False
    for use in module.names.get(name, ()):
        parent = use.parent
        if parent is None or (
            parent.type == "assignment" and parent.child_by_field_name("left") == use
        ):
            continue
        if parent == loss.node:
            continue
        if parent.type == "argument_list" and _receiver_trains(module, parent.parent, loss):
            continue
        if parent.type == "keyword_argument" and _receiver_trains(
            module, parent.parent.parent if parent.parent is not None else None, loss
        ):
            continue
        if parent.type in ("parameters", "call") and _same_training(module, use, loss):
            continue
        return True
    return is_evaluating(module, loss.node)


def _receiver_trains(module: Module, node: Node | None, loss: Call) -> bool:
    """True when a call passes the loss to the very function that holds the training step."""
    call = module.call(node)
    function = function_of(loss.node)
    label = function.child_by_field_name("name") if function is not None else None
    return (
        call is not None and label is not None and module.text(call.function) == module.text(label)
    )


def _same_training(module: Module, use: Node, loss: Call) -> bool:
    function = function_of(loss.node)
    owner = use.parent
    if owner is not None and owner.type == "parameters":
        return owner.parent == function
    return function_of(use) == function and use.parent == loss.node


def _assigned_name(module: Module, call: Call) -> str:
    parent = call.node.parent
    while parent is not None and parent.type == "call":  # nn.CrossEntropyLoss().to(device)
        parent = parent.parent
    if parent is None or parent.type != "assignment":
        return ""
    left = parent.child_by_field_name("left")
    return module.text(left) if left is not None and left.type == "identifier" else ""


def _parameters(module: Module, function: Node) -> list[str]:
    node = function.child_by_field_name("parameters")
    names = []
    for child in node.named_children if node is not None else ():
        label = child.child_by_field_name("name")
        if label is None and child.type == "typed_parameter":
            label = child.named_children[0]
        names.append(module.text(label if label is not None else child))
    return names


LABEL_SMOOTHING = Transformation(
    name="label-smoothing",
    summary="Label smoothing 0.1 in the training loss only",
    library=TORCH,
    family="loss",
    granularity=Granularity.CODE,
    paper="Szegedy et al. 2016, Rethinking the Inception Architecture, arXiv 1512.00567",
    precondition="a cross-entropy in a recognised step; a copy when evaluation uses it too",
    expected="slightly better accuracy and calibration",
    prior=0.45,
    find=_smoothing,
)

TRANSFORMATIONS = (LABEL_SMOOTHING,)
