"""Averages of the weights along the path of training."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from autosota.agents.domain import Granularity
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_torch.training import (
    Epochs,
    Step,
    calls_of,
    find_forward,
    find_steps,
    is_bound_in,
    names_free,
)
from autosota.agents.ideator.module import Module, contains, enclosing, function_of, statement_of
from autosota.agents.ideator.transformation import Lever, Transformation

TORCH = "PyTorch"
NAME = "average"


def _ema(module: Module) -> Iterator[Lever]:
    used = {"load_state_dict", "module", "swa_utils"} & module.attributes
    if used or not names_free(module, NAME):
        return  # something restores weights already, or wraps the model
    for step in find_steps(module):
        place = _place(step)
        if place is None or step.epochs is None:
            continue
        if is_bound_in(module, step.epochs.loop, place[0]):
            continue
        if not _read_after(module, step.epochs.loop, place[0]):
            continue
        model, update = place
        epochs = step.epochs

        def change(
            draft: Draft,
            epochs: Epochs = epochs,
            model: str = model,
            update: Node = update,
        ) -> None:
            averaged = draft.spell("torch.optim.swa_utils.AveragedModel")
            draft.before(epochs.loop, [f"{NAME} = {averaged}({model}, use_buffers=True)"])
            late = f"4 * ({epochs.index} + 1) > 3 * {epochs.factor}"
            draft.after(update, [f"if {late}:", f"    {NAME}.update_parameters({model})"])
            draft.after(epochs.loop, [f"{model}.load_state_dict({NAME}.module.state_dict())"])

        yield Lever(
            epochs.loop,
            f"{step.optimizer}.step()",
            change,
            "Evaluate the average of the weights over the last quarter of training",
            "the last step of training is noisy; the average of many is not",
            assumptions=("the model is evaluated after the loop",),
        )


def _place(step: Step) -> tuple[str, Node] | None:
    """The model's name at the loop, and the statement after which to average.

    In the loop itself weights are averaged after every update of the last quarter. A step in
    a function of its own is averaged once an epoch, by the loop that calls it.
    """
    forward = find_forward(step)
    if forward is None or step.epochs is None or forward.model.type != "identifier":
        return None
    module, loop = step.module, step.epochs.loop
    model = module.text(forward.model)
    if function_of(loop) == function_of(step.update):
        return (model, step.update) if _leaves_loop(loop) else None
    function = function_of(step.update)
    label = function.child_by_field_name("name") if function is not None else None
    parameters = function.child_by_field_name("parameters") if function is not None else None
    if label is None or parameters is None:
        return None
    names = [
        module.text(p.child_by_field_name("name") or (p.named_children or [p])[0])
        for p in parameters.named_children
        if p.type != "comment"
    ]
    calls = list(calls_of(module, module.text(label)))
    if len(calls) != 1 or model not in names:
        return None
    given = calls[0].value(model, names.index(model))
    if given is None or given.type != "identifier":
        return None
    statement = statement_of(calls[0].node)
    if enclosing(statement, "for_statement", "while_statement") != loop:
        return None
    return (module.text(given), statement) if _leaves_loop(loop) else None


def _read_after(module: Module, loop: Node, model: str) -> bool:
    """True when the model is called or passed on after the loop, or by the function's caller.

    Saving it is not enough: what is measured inside the loop would not see the average.
    """
    function = function_of(loop)
    parameters = function.child_by_field_name("parameters") if function is not None else None
    return any(
        (use.start_byte > loop.end_byte and function_of(use) == function and _is_run(module, use))
        or (parameters is not None and contains(parameters, use))
        for use in module.names.get(model, ())
    )


def _is_run(module: Module, use: Node) -> bool:
    parent = use.parent
    if parent is not None and parent.type == "return_statement":
        return True
    holder = parent.parent if parent is not None and parent.type == "argument_list" else parent
    call = module.call(holder)
    return call is not None and call.dotted != "torch.save"


def _leaves_loop(loop: Node) -> bool:
    """False when the loop may end early: the last quarter might never come."""
    stack = list(loop.children)
    while stack:
        node = stack.pop()
        if node.type == "return_statement":
            return False
        around = enclosing(node, "for_statement", "while_statement")
        if node.type == "break_statement" and around == loop:
            return False
        stack.extend(node.children)
    return True


EMA = Transformation(
    name="weight-average",
    summary="Average of the weights over the last quarter of training",
    library=TORCH,
    family="averaging",
    granularity=Granularity.ALGO,
    paper="Polyak & Juditsky 1992; Izmailov et al. 2018, Averaging Weights, arXiv 1803.05407",
    precondition="a counted loop that runs to its end, the model used after it, no checkpoints",
    expected="a steady gain and less variance between seeds",
    prior=0.55,
    find=_ema,
)

TRANSFORMATIONS = (EMA,)
