"""Optimizers and their numbers: AdamW, momentum, learning rate, weight decay, clipping."""

from __future__ import annotations

from collections.abc import Iterator

from autosota.agents.domain import Granularity, Level
from autosota.agents.ideator.calls import Call, set_keywords
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_torch.training import Step as UpdateStep
from autosota.agents.ideator.for_torch.training import find_forward, find_steps
from autosota.agents.ideator.knobs import Knob, find_knob
from autosota.agents.ideator.module import Module, function_of
from autosota.agents.ideator.notation import read_number
from autosota.agents.ideator.steps import Number, Step, number_levers
from autosota.agents.ideator.transformation import Lever, Transformation

TORCH = "PyTorch"

_RATES = {
    "SGD": "0.001",
    "Adam": "0.001",
    "AdamW": "0.001",
    "NAdam": "0.002",
    "RAdam": "0.001",
    "RMSprop": "0.01",
    "Adagrad": "0.01",
    "Adamax": "0.002",
    "Adadelta": "1.0",
}


def find_optimizers(module: Module) -> Iterator[tuple[Call, str]]:
    """Constructions of torch optimizers, with their place by structure.

    The place does not name the class, so that it is found again after Adam became AdamW.
    """
    for call in module.calls:
        if call.dotted.startswith("torch.optim.") and call.name in _RATES and not call.open:
            parent = call.node.parent
            left = parent.child_by_field_name("left") if parent is not None else None
            yield call, module.text(left) if left is not None else "optimizer"


def _adamw(module: Module) -> Iterator[Lever]:
    for call, target in find_optimizers(module):
        if call.name != "Adam" or len(call.positional) > 2:
            continue
        decay = call.value("weight_decay")
        knob = find_knob(module, decay, "weight_decay") if decay is not None else None
        if decay is not None and knob is None:
            continue

        def change(draft: Draft, call: Call = call, knob: Knob | None = knob) -> None:
            draft.replace(call.function, draft.spell("torch.optim.AdamW", beside=call))
            if knob is None:
                added = set_keywords(module.source, call, {"weight_decay": "1e-2"})
                draft.edit(call.arguments, added)
            elif knob.value == 0:
                draft.replace(knob.node, "1e-2", knob.module)
            draft.retire(call)

        given = knob.text if knob is not None and knob.value != 0 else "1e-2"
        yield Lever(
            call.node,
            target,
            change,
            f"Decouple weight decay: Adam → AdamW ({given})",
            "Adam scales an L2 penalty by its step sizes, so it hardly regularises",
        )


ADAMW = Transformation(
    name="adamw",
    summary="Decouple weight decay: Adam → AdamW (1e-2)",
    library=TORCH,
    family="regularisation",
    granularity=Granularity.CODE,
    paper="Loshchilov & Hutter 2019, Decoupled Weight Decay Regularization, arXiv 1711.05101",
    precondition="torch.optim.Adam with plain arguments",
    expected="slightly better generalisation, more with long training",
    prior=0.45,
    find=_adamw,
)


def _momentum(module: Module) -> Iterator[Lever]:
    for call, target in find_optimizers(module):
        if call.name != "SGD" or len(call.positional) > 2:
            continue
        given = call.value("momentum")
        if call.value("nesterov") is not None or call.value("dampening") is not None:
            continue
        if given is not None and read_number(module.text(given)) != 0:
            continue

        def change(draft: Draft, call: Call = call) -> None:
            draft.keywords(call, momentum="0.9", nesterov="True")

        yield Lever(
            call.node,
            target,
            change,
            "Add Nesterov momentum 0.9 to SGD",
            "plain SGD crawls along the flat directions of the loss",
            assumptions=("the learning rate also suits momentum; steps grow up to tenfold",),
        )


MOMENTUM = Transformation(
    name="nesterov",
    summary="Nesterov momentum for SGD",
    library=TORCH,
    family="optimizer",
    granularity=Granularity.CODE,
    paper="Sutskever et al. 2013, On the Importance of Initialization and Momentum",
    precondition="torch.optim.SGD without momentum",
    expected="much faster training at the same cost",
    prior=0.6,
    find=_momentum,
    risk=Level.MEDIUM,
)


def _rate(module: Module) -> Iterator[Lever]:
    for call, target in find_optimizers(module):
        yield from number_levers(
            module,
            call,
            Number("lr", _RATES[call.name], 1, real=True),
            (Step(3), Step(0.3)),
            anchor=target,
            what=f"the learning rate of {call.name}",
            reason="the learning rate is the first thing to tune, in steps of three",
        )


LEARNING_RATE = Transformation(
    name="learning-rate",
    summary="Learning rate three times up or down",
    library=TORCH,
    family="learning-rate",
    granularity=Granularity.PARAM,
    paper="Bengio 2012, Practical Recommendations for Gradient-Based Training, arXiv 1206.5533",
    precondition="a torch optimizer whose lr leads to one literal that the command line leaves",
    expected="the largest effect of any single number, either way",
    prior=0.45,
    find=_rate,
)


def _decay(module: Module) -> Iterator[Lever]:
    for call, target in find_optimizers(module):
        given = call.value("weight_decay")
        if given is not None:
            yield from number_levers(
                module,
                call,
                Number("weight_decay", real=True),
                (Step(10, most=0.5), Step(0.1)),
                anchor=target,
                what=f"the weight decay of {call.name}",
                reason="one decade is the usual first step of a search for weight decay",
            )
        knob = find_knob(module, given, "weight_decay") if given is not None else None
        if given is not None and (knob is None or knob.value != 0):
            continue
        if call.name == "AdamW" or len(call.positional) > 2:
            continue
        if module.project.is_frozen("weight_decay"):
            continue

        def change(draft: Draft, call: Call = call, knob: Knob | None = knob) -> None:
            if knob is not None:
                draft.replace(knob.node, "5e-4", knob.module)
            else:
                draft.keywords(call, weight_decay="5e-4")

        yield Lever(
            call.node,
            target,
            change,
            f"Add weight decay 5e-4 to {call.name}",
            "nothing keeps the weights small",
            {"to": "5e-4"},
        )


WEIGHT_DECAY = Transformation(
    name="weight-decay",
    summary="Weight decay, added or a decade up or down",
    library=TORCH,
    family="regularisation",
    granularity=Granularity.PARAM,
    paper="Krogh & Hertz 1991, A Simple Weight Decay Can Improve Generalization",
    precondition="a torch optimizer without weight decay, or one that leads to a literal",
    expected="a little less overfitting",
    prior=0.3,
    find=_decay,
)


def _clip(module: Module) -> Iterator[Lever]:
    if any("clip_grad" in call.dotted for call in module.calls):
        return
    for step in find_steps(module):

        def change(draft: Draft, step: UpdateStep = step) -> None:
            clip = draft.spell("torch.nn.utils.clip_grad_norm_")
            draft.before(step.update, [f"{clip}({_parameters(step)}, max_norm=1.0)"])

        yield Lever(
            step.update,
            f"{step.optimizer}.step()",
            change,
            "Clip the gradient's norm at 1.0",
            "one bad batch can throw the weights far away",
        )


def _parameters(step: UpdateStep) -> str:
    """What the optimizer updates, as code at the update."""
    module = step.module
    forward = find_forward(step)
    if forward is not None and forward.model.type == "identifier":
        return f"{module.text(forward.model)}.parameters()"
    for call, target in find_optimizers(module):
        if (
            target == step.optimizer
            and call.positional
            and function_of(call.node) == function_of(step.update)
        ):
            text = module.text(call.positional[0])
            if text.endswith(".parameters()"):
                return text
    return f'[p for group in {step.optimizer}.param_groups for p in group["params"]]'


CLIPPING = Transformation(
    name="clip-gradients",
    summary="Clip the norm of the gradient",
    library=TORCH,
    family="optimizer",
    granularity=Granularity.CODE,
    paper="Pascanu, Mikolov & Bengio 2013, On the Difficulty of Training RNNs, arXiv 1211.5063",
    precondition="backward() and step() in one block, no gradient scaler, no clipping yet",
    expected="steadier training; a gain where gradients explode",
    prior=0.25,
    find=_clip,
)

TRANSFORMATIONS = (ADAMW, MOMENTUM, LEARNING_RATE, WEIGHT_DECAY, CLIPPING)
