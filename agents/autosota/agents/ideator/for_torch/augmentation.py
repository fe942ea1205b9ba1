"""Changes of the training batch, inside the update step: mixup, noise, shifts.

Only the batch that the step trains on is changed; data files, loaders and evaluation are
not touched.
"""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from autosota.agents.domain import Granularity, Level
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_torch.training import (
    Forward,
    Step,
    find_forward,
    find_steps,
    is_bound_in,
    names_free,
)
from autosota.agents.ideator.module import Module
from autosota.agents.ideator.transformation import Lever, Transformation

TORCH = "PyTorch"
INPUTS = "inputs"
TARGETS = "targets"
_DISCRETE = ("Embedding", "EmbeddingBag")
_CLASSIFICATION = (
    "torch.nn.CrossEntropyLoss",
    "torch.nn.functional.cross_entropy",
    "torch.nn.NLLLoss",
    "torch.nn.functional.nll_loss",
)


def _forwards(module: Module) -> Iterator[tuple[Step, Forward]]:
    """Recognised steps on inputs that are numbers, not token ids."""
    if any(call.name in _DISCRETE for near in module.neighbours for call in near.calls):
        return
    for step in find_steps(module):
        forward = find_forward(step)
        if forward is None:
            continue
        if _own_name(step, forward.inputs) or names_free(module, INPUTS):
            yield step, forward


def _own_name(step: Step, node: Node) -> str:
    """The name of a part of the batch if every pass of the loop binds it anew, else ''.

    A tensor from outside the loop must not be changed: the next pass, and evaluation, use it.
    """
    if node.type != "identifier":
        return ""
    name = step.module.text(node)
    return name if is_bound_in(step.module, step.loop, name) else ""


def _named(draft: Draft, step: Step, node: Node, name: str, lines: list[str]) -> str:
    """A name for a part of the batch: its own, or a new one bound by a line added first."""
    own = _own_name(step, node)
    if own:
        return own
    lines.append(f"{name} = {draft.module.text(node)}")
    return name


def _change_inputs(draft: Draft, step: Step, forward: Forward, line: str) -> None:
    """Add a line that changes the inputs, `{x}` in it, before the forward pass."""
    lines: list[str] = []
    x = _named(draft, step, forward.inputs, INPUTS, lines)
    draft.before(forward.output, [*lines, line.format(x=x)])
    if lines:
        draft.replace(forward.inputs, x)


def _mixup(module: Module) -> Iterator[Lever]:
    if not names_free(module, "mix", "order"):
        return
    if not any(c.dotted in _CLASSIFICATION for near in module.neighbours for c in near.calls):
        return
    for step, forward in _forwards(module):
        new = ["output"] if forward.nested else []
        new += [TARGETS] if forward.targets.type != "identifier" else []
        if not names_free(module, *new):
            continue

        def change(draft: Draft, step: Step = step, forward: Forward = forward) -> None:
            text = draft.module.text
            beta, permutation = (
                draft.spell("torch.distributions.Beta"),
                draft.spell("torch.randperm"),
            )
            lines: list[str] = []
            x = _named(draft, step, forward.inputs, INPUTS, lines)
            y = text(forward.targets)  # only read, so a name from outside the loop will do
            if forward.targets.type != "identifier":
                y = _named(draft, step, forward.targets, TARGETS, lines)
            lines += [
                f"mix = {beta}(0.2, 0.2).sample().item()",
                f"order = {permutation}({x}.size(0), device={x}.device)",
                f"{x} = mix * {x} + (1 - mix) * {x}[order]",
            ]
            output = text(forward.loss.positional[0])
            if forward.nested:
                output = "output"
                lines.append(f"{output} = {text(forward.model)}({x})")
            elif not _own_name(step, forward.inputs):
                draft.replace(forward.inputs, x)
            draft.before(forward.output, lines)
            loss = text(forward.loss.function)
            keywords = "".join(f", {text(k)}" for k in forward.loss.keywords.values())
            draft.replace(
                forward.loss.node,
                f"mix * {loss}({output}, {y}{keywords})"
                f" + (1 - mix) * {loss}({output}, {y}[order]{keywords})",
            )

        yield Lever(
            forward.loss.node,
            f"{step.optimizer}.step()",
            change,
            "Mix pairs of training examples and their losses (mixup, 0.2)",
            "between training points the network may do anything",
            assumptions=("a convex mix of two inputs is still a plausible input",),
        )


MIXUP = Transformation(
    name="mixup",
    summary="Mixup in the training step",
    library=TORCH,
    family="augmentation",
    granularity=Granularity.ALGO,
    paper="Zhang et al. 2018, mixup: Beyond Empirical Risk Minimization, arXiv 1710.09412",
    precondition="`out = model(x); loss = cross_entropy(out, y)` in a step, inputs not token ids",
    expected="better generalisation with long training; a loss with short training",
    prior=0.4,
    find=_mixup,
    risk=Level.MEDIUM,
)


def _noise(module: Module) -> Iterator[Lever]:
    if any(call.name in ("randn_like", "normal_") for call in module.calls):
        return
    for step, forward in _forwards(module):

        def change(draft: Draft, step: Step = step, forward: Forward = forward) -> None:
            noise = draft.spell("torch.randn_like")
            _change_inputs(draft, step, forward, f"{{x}} = {{x}} + 0.05 * {noise}({{x}})")

        yield Lever(
            forward.loss.node,
            f"{step.optimizer}.step()",
            change,
            "Add a little Gaussian noise (0.05) to the training inputs",
            "noise on inputs acts like a penalty on how fast the output changes",
            assumptions=("inputs are floats of about unit scale",),
        )


NOISE = Transformation(
    name="input-noise",
    summary="Gaussian noise on training inputs",
    library=TORCH,
    family="augmentation",
    granularity=Granularity.CODE,
    paper="Bishop 1995, Training with Noise is Equivalent to Tikhonov Regularization",
    precondition="a recognised training step on numeric inputs, no noise yet",
    expected="less overfitting on small data",
    prior=0.3,
    find=_noise,
)


def _shift(module: Module) -> Iterator[Lever]:
    convolutional = any(
        call.dotted in ("torch.nn.Conv1d", "torch.nn.Conv2d")
        for near in module.neighbours
        for call in near.calls
    )
    if not convolutional or any(call.name == "roll" for call in module.calls):
        return
    for step, forward in _forwards(module):

        def change(draft: Draft, step: Step = step, forward: Forward = forward) -> None:
            roll, pick = draft.spell("torch.roll"), draft.spell("torch.randint")
            shifts = f"int({pick}(-2, 3, (1,)))"
            _change_inputs(draft, step, forward, f"{{x}} = {roll}({{x}}, shifts={shifts}, dims=-1)")

        yield Lever(
            forward.loss.node,
            f"{step.optimizer}.step()",
            change,
            "Shift training inputs by up to two places along their last axis",
            "a class that does not depend on position should not be learnt at one position",
            assumptions=(
                "the class does not change under a small shift",
                "what wraps around at the border does no harm",
            ),
        )


SHIFT = Transformation(
    name="random-shift",
    summary="Random shifts of training inputs",
    library=TORCH,
    family="augmentation",
    granularity=Granularity.CODE,
    paper="Simard, Steinkraus & Platt 2003, Best Practices for Convolutional Neural Networks",
    precondition="a recognised training step in code with convolutions, no shifts yet",
    expected="a clear gain where position does not matter, a loss where it does",
    prior=0.4,
    find=_shift,
    risk=Level.MEDIUM,
)

TRANSFORMATIONS = (MIXUP, NOISE, SHIFT)
