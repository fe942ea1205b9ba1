"""Learning-rate schedules, stepped once per pass of the counted loop around the update."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tree_sitter import Node

from autosota.agents.domain import Granularity, Level
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_torch.training import Epochs, find_steps, names_free, scheduled
from autosota.agents.ideator.module import Module, body_of, enclosing, function_of
from autosota.agents.ideator.notation import read_number
from autosota.agents.ideator.transformation import Lever, Transformation

TORCH = "PyTorch"
NAME = "scheduler"
_REPLACEABLE = frozenset(
    f"torch.optim.lr_scheduler.{name}" for name in ("StepLR", "MultiStepLR", "ExponentialLR")
)


def _loops(module: Module) -> Iterator[Epochs]:
    """Counted loops around an update whose every pass reaches the end of the body."""
    if scheduled(module) or not names_free(module, NAME):
        return
    seen = set()
    for step in find_steps(module):
        epochs = step.epochs
        if epochs is None or epochs.loop.id in seen or _skips(epochs.loop):
            continue
        if (read_number(epochs.count) or 2) < 2:
            continue
        seen.add(epochs.loop.id)
        yield epochs


def _skips(loop: Node) -> bool:
    """True when a `continue` of this very loop would skip the scheduler's step."""
    stack = list(loop.children)
    while stack:
        node = stack.pop()
        if node.type == "continue_statement":
            if enclosing(node, "for_statement", "while_statement") == loop:
                return True
        elif node.type != "function_definition":
            stack.extend(node.children)
    return False


def _schedule(
    module: Module, title: str, reason: str, write: Callable[[Draft, Epochs], str]
) -> Iterator[Lever]:
    for epochs in _loops(module):

        def change(draft: Draft, epochs: Epochs = epochs) -> None:
            draft.before(epochs.loop, [f"{NAME} = {write(draft, epochs)}"])
            draft.after(body_of(epochs.loop)[-1], [f"{NAME}.step()"])

        yield Lever(
            epochs.loop,
            f"for … in range({module.text(epochs.stop)})",
            change,
            title,
            reason,
        )


def _cosine(module: Module) -> Iterator[Lever]:
    def write(draft: Draft, epochs: Epochs) -> str:
        cosine = draft.spell("torch.optim.lr_scheduler.CosineAnnealingLR")
        return f"{cosine}({epochs.optimizer}, T_max={epochs.count})"

    yield from _schedule(
        module,
        "Anneal the learning rate to zero along a cosine",
        "the learning rate stays the same to the end, so the last steps still jump",
        write,
    )
    yield from _cosine_for_steps(module)


def _cosine_for_steps(module: Module) -> Iterator[Lever]:
    """A schedule of steps or powers, stepped once an epoch, becomes a cosine."""
    old = [c for c in module.calls if c.dotted in _REPLACEABLE and not c.open]
    if len(old) != 1 or sum("lr_scheduler" in c.dotted for c in module.calls) != 1:
        return
    call = old[0]
    parent = call.node.parent
    left = parent.child_by_field_name("left") if parent is not None else None
    optimizer = call.value("optimizer", 0)
    if left is None or optimizer is None or left.type != "identifier":
        return
    name = module.text(left)
    for step in find_steps(module):
        epochs = step.epochs
        if epochs is None or epochs.optimizer != module.text(optimizer) or _skips(epochs.loop):
            continue
        stepped = [s for s in body_of(epochs.loop) if module.text(s) == f"{name}.step()"]
        together = function_of(call.node) == function_of(epochs.loop)
        if len(stepped) != 1 or not together or call.node.end_byte > epochs.loop.start_byte:
            continue

        def change(draft: Draft, epochs: Epochs = epochs) -> None:
            cosine = draft.spell("torch.optim.lr_scheduler.CosineAnnealingLR", beside=call)
            text = f"{cosine}({epochs.optimizer}, T_max={epochs.count})"
            draft.replace(call.node, text)
            draft.retire(call)

        yield Lever(
            call.node,
            f"{name} = {call.name}",
            change,
            f"Replace {call.name} by a cosine that ends at zero",
            "a schedule in steps spends many epochs at a rate that is too high or too low",
        )
        return


COSINE = Transformation(
    name="cosine-schedule",
    summary="Cosine learning-rate schedule",
    library=TORCH,
    family="schedule",
    granularity=Granularity.CODE,
    paper="Loshchilov & Hutter 2017, SGDR, arXiv 1608.03983",
    precondition="a counted loop around the update, and no schedule but plain steps",
    expected="a steady gain at no cost; the most reliable change of a training loop",
    prior=0.65,
    find=_cosine,
)


def _warmup(module: Module) -> Iterator[Lever]:
    def write(draft: Draft, epochs: Epochs) -> str:
        linear = draft.spell("torch.optim.lr_scheduler.LinearLR")
        length = f"max(1, {epochs.factor} // 20)"
        return f"{linear}({epochs.optimizer}, start_factor=0.1, total_iters={length})"

    yield from _schedule(
        module,
        "Warm the learning rate up over the first twentieth of training",
        "the first steps are taken at full speed with random weights",
        write,
    )


WARMUP = Transformation(
    name="warm-up",
    summary="Linear learning-rate warm-up",
    library=TORCH,
    family="schedule",
    granularity=Granularity.CODE,
    paper="Goyal et al. 2017, Accurate, Large Minibatch SGD, arXiv 1706.02677",
    precondition="a counted loop around the update, and no schedule yet",
    expected="steadier starts; a gain with large learning rates",
    prior=0.3,
    find=_warmup,
)


def _one_cycle(module: Module) -> Iterator[Lever]:
    def write(draft: Draft, epochs: Epochs) -> str:
        cycle = draft.spell("torch.optim.lr_scheduler.OneCycleLR")
        rates = f'[3 * group["lr"] for group in {epochs.optimizer}.param_groups]'
        # cycle_momentum needs an optimizer with momentum or betas; leave both as they are.
        return (
            f"{cycle}({epochs.optimizer}, max_lr={rates},"
            f" total_steps={epochs.count}, cycle_momentum=False)"
        )

    yield from _schedule(
        module,
        "One cycle: the learning rate rises to three times its value, then falls to nothing",
        "a large rate in the middle regularises, a small one at the end converges",
        write,
    )


ONE_CYCLE = Transformation(
    name="one-cycle",
    summary="One-cycle learning-rate schedule",
    library=TORCH,
    family="schedule",
    granularity=Granularity.CODE,
    paper="Smith & Topin 2018, Super-Convergence, arXiv 1708.07120",
    precondition="a counted loop around the update, and no schedule yet",
    expected="faster convergence, or divergence where the rate was already high",
    prior=0.45,
    find=_one_cycle,
    risk=Level.MEDIUM,
)

TRANSFORMATIONS = (COSINE, WARMUP, ONE_CYCLE)
