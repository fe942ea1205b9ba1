"""LightningModules: what `configure_optimizers` returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tree_sitter import Node

from autosota.agents.domain import Granularity
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_torch.optimizers import find_optimizers
from autosota.agents.ideator.for_torch.training import names_free
from autosota.agents.ideator.module import Module, contains, enclosing, function_of
from autosota.agents.ideator.transformation import Lever, Transformation

TORCH = "PyTorch"
NAME = "optimizer"
_EPOCHS = "max(1, self.trainer.max_epochs or 1)"


def _returns(module: Module) -> Iterator[tuple[Node, Node]]:
    """The only `return` of each `configure_optimizers`, and the optimizer that it returns."""
    for symbol, function in module.functions.items():
        if not symbol.endswith("configure_optimizers") or "." not in symbol:
            continue
        returns = [
            n
            for n in module.nodes
            if n.type == "return_statement" and contains(function, n) and function_of(n) == function
        ]
        if len(returns) != 1 or not returns[0].named_children:
            continue
        value = returns[0].named_children[0]
        if _is_optimizer(module, function, value):
            yield returns[0], value


def _is_optimizer(module: Module, function: Node, value: Node) -> bool:
    made = [(c, t) for c, t in find_optimizers(module) if contains(function, c.node)]
    if value.type == "identifier":
        return any(target == module.text(value) for _, target in made)
    return any(call.node == value for call, _ in made)


def _schedule(
    module: Module, title: str, reason: str, write: Callable[[Draft, str], str]
) -> Iterator[Lever]:
    if any("lr_scheduler" in call.dotted for call in module.calls):
        return
    for statement, value in _returns(module):
        if value.type != "identifier" and not names_free(module, NAME):
            continue

        def change(draft: Draft, statement: Node = statement, value: Node = value) -> None:
            name = module.text(value)
            if value.type != "identifier":
                name = NAME
                keyword = statement.children[0]
                draft.replace(keyword, f"{NAME} =")
                made = f'return {{"optimizer": {name}, "lr_scheduler": {write(draft, name)}}}'
                draft.after(statement, [made])
                return
            draft.replace(value, f'{{"optimizer": {name}, "lr_scheduler": {write(draft, name)}}}')

        owner = enclosing(statement, "class_definition")
        label = owner.child_by_field_name("name") if owner is not None else None
        named = module.text(label) if label is not None else "class"
        yield Lever(statement, f"{named}, optimizer", change, title, reason)


def _cosine(module: Module) -> Iterator[Lever]:
    def write(draft: Draft, name: str) -> str:
        cosine = draft.spell("torch.optim.lr_scheduler.CosineAnnealingLR")
        return f"{cosine}({name}, T_max={_EPOCHS})"

    yield from _schedule(
        module,
        "Anneal the learning rate to zero along a cosine, epoch by epoch",
        "the learning rate stays the same to the end, so the last steps still jump",
        write,
    )


COSINE = Transformation(
    name="lightning-cosine",
    summary="Cosine schedule from configure_optimizers",
    library=TORCH,
    family="schedule",
    granularity=Granularity.CODE,
    paper="Loshchilov & Hutter 2017, SGDR, arXiv 1608.03983",
    precondition="a `configure_optimizers` that returns one optimizer and no schedule",
    expected="a steady gain at no cost",
    prior=0.55,
    find=_cosine,
)


def _warm(module: Module) -> Iterator[Lever]:
    def write(draft: Draft, name: str) -> str:
        linear = draft.spell("torch.optim.lr_scheduler.LinearLR")
        return f"{linear}({name}, start_factor=0.1, total_iters={_EPOCHS} // 20 + 1)"

    yield from _schedule(
        module,
        "Warm the learning rate up over the first twentieth of the epochs",
        "the first steps are taken at full speed with random weights",
        write,
    )


WARM = Transformation(
    name="lightning-warm-up",
    summary="Linear warm-up from configure_optimizers",
    library=TORCH,
    family="schedule",
    granularity=Granularity.CODE,
    paper="Goyal et al. 2017, Accurate, Large Minibatch SGD, arXiv 1706.02677",
    precondition="a `configure_optimizers` that returns one optimizer and no schedule",
    expected="steadier starts; a gain with large learning rates",
    prior=0.3,
    find=_warm,
)

TRANSFORMATIONS = (COSINE, WARM)
