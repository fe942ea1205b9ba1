"""Averages of the weights along the path of training."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from autosota.agents.domain import Granularity
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_torch.training import (
    Step,
    calls_of,
    find_forward,
    find_steps,
    names_free,
)
from autosota.agents.ideator.module import Module, enclosing, function_of, statement_of
from autosota.agents.ideator.transformation import Lever, Transformation

TORCH = "PyTorch"
NAME = "average"


def _ema(module: Module) -> Iterator[Lever]:
    used = {"load_state_dict", "module", "swa_utils"} & module.attributes
    if used or not names_free(module, NAME):
        return  # something restores weights already, or wraps the model
    for step in find_steps(module):
        place = _place(step)
        if place is None:
            continue
        model, update, decay = place

        outer = _outer(step)

        def change(
            draft: Draft,
            loop: Node = outer,
            model: str = model,
            update: Node = update,
            decay: str = decay,
        ) -> None:
            averaged = draft.spell("torch.optim.swa_utils.AveragedModel")
            ema = draft.spell("torch.optim.swa_utils.get_ema_multi_avg_fn")
            draft.before(
                loop,
                [f"{NAME} = {averaged}({model}, multi_avg_fn={ema}({decay}), use_buffers=True)"],
            )
            draft.after(update, [f"{NAME}.update_parameters({model})"])
            draft.after(loop, [f"{model}.load_state_dict({NAME}.module.state_dict())"])

        yield Lever(
            outer,
            f"{step.optimizer}.step()",
            change,
            f"Evaluate an exponential average of the weights (decay {decay})",
            "the last step of training is noisy; the average of many is not",
            assumptions=("the model is evaluated after the loop",),
        )


def _outer(step: Step) -> Node:
    return step.epochs.loop if step.epochs is not None else step.loop


def _place(step: Step) -> tuple[str, Node, str] | None:
    """The model's name at the loop, the statement after which to average, and the decay.

    In the loop itself weights are averaged after every update. A step in a function of its
    own is averaged once an epoch, by the loop that calls it.
    """
    forward = find_forward(step)
    if forward is None or step.epochs is None or forward.model.type != "identifier":
        return None
    module, loop = step.module, step.epochs.loop
    model = module.text(forward.model)
    if function_of(loop) == function_of(step.update):
        return (model, step.update, "0.99") if _leaves_loop(loop) else None
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
    return (module.text(given), statement, "0.8") if _leaves_loop(loop) else None


def _leaves_loop(loop: Node) -> bool:
    """False when the function returns from inside the loop: the average would be lost."""
    stack = list(loop.children)
    while stack:
        node = stack.pop()
        if node.type == "return_statement":
            return False
        stack.extend(node.children)
    return True


EMA = Transformation(
    name="weight-average",
    summary="Exponential moving average of the weights for evaluation",
    library=TORCH,
    family="averaging",
    granularity=Granularity.ALGO,
    paper="Polyak & Juditsky 1992; Izmailov et al. 2018, Averaging Weights, arXiv 1803.05407",
    precondition="a recognised step in a counted loop, and no checkpoint is restored",
    expected="a steady gain and less variance between seeds",
    prior=0.55,
    find=_ema,
)

TRANSFORMATIONS = (EMA,)
