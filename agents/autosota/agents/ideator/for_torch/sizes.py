"""Sizes: batch, epochs, hidden width, kernels. Those that cost compute say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tree_sitter import Node

from autosota.agents.domain import Granularity, Level
from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_torch.models import CONVOLUTIONS, find_networks
from autosota.agents.ideator.for_torch.training import find_steps
from autosota.agents.ideator.knobs import arguments_for, defaults_of, find_knob
from autosota.agents.ideator.module import Module, contains, function_of
from autosota.agents.ideator.notation import read_number
from autosota.agents.ideator.steps import (
    Number,
    Step,
    knob_dial,
    knob_lever,
    number_levers,
    stepped,
)
from autosota.agents.ideator.transformation import Dial, Lever, Transformation

TORCH = "PyTorch"


def _batch(module: Module) -> Iterator[Lever]:
    yield from _loader_batch(module)
    # Batches drawn by hand: the training function itself reads `batch_size`.
    seen = set()
    for step in find_steps(module):
        scope = function_of(step.update) or step.loop
        for node in module.nodes:
            name = module.text(node).rpartition(".")[2].lower() if _reads(node) else ""
            knob = (
                find_knob(module, node) if name == "batch_size" and contains(scope, node) else None
            )
            if knob is None or knob.node.id in seen:
                continue
            seen.add(knob.node.id)
            for change in (Step(0.5, cost=0.8, least=2), Step(2, cost=1.5)):
                lever = knob_lever(knob, step.update, f"{step.optimizer}.step(), {name}", change)
                if lever is not None:
                    yield lever


def _reads(node: Node) -> bool:
    """True for a variable or attribute that is read, not a keyword or an assigned name."""
    parent = node.parent
    if node.type not in ("identifier", "attribute") or parent is None:
        return False
    if parent.type in ("keyword_argument", "assignment"):
        return parent.child_by_field_name("value") == node
    return parent.type not in ("attribute", "parameters", "default_parameter")


def _loader_batch(module: Module) -> Iterator[Lever]:
    for call in module.calls:
        if call.dotted != "torch.utils.data.DataLoader" or call.open:
            continue
        shuffle = call.value("shuffle", 2)
        if call.value("sampler") is None and (shuffle is None or module.text(shuffle) != "True"):
            continue  # a loader that does not shuffle is not for training
        parent = call.node.parent
        left = parent.child_by_field_name("left") if parent is not None else None
        target = module.text(left) if left is not None else "loader"
        yield from number_levers(
            module,
            call,
            Number("batch_size", "", 1),
            (Step(0.5, cost=1.3, least=2), Step(2, cost=0.8)),
            anchor=target,
            what="the training batch",
            reason="small batches are noisier and generalise better, large ones are faster",
        )


BATCH_SIZE = Transformation(
    name="batch-size",
    summary="Half or twice the training batch",
    library=TORCH,
    family="learning-rate",
    granularity=Granularity.PARAM,
    paper="Keskar et al. 2017, On Large-Batch Training, arXiv 1609.04836",
    precondition="a shuffling DataLoader whose batch size leads to one literal",
    expected="a little either way; the learning rate may want to move with it",
    prior=0.3,
    find=_batch,
)


def _epochs(module: Module) -> Iterator[Lever]:
    seen = set()
    for step in find_steps(module):
        epochs = step.epochs
        knob = find_knob(module, epochs.stop, "epochs") if epochs is not None else None
        if epochs is None or knob is None or epochs.loop.id in seen:
            continue
        seen.add(epochs.loop.id)
        new = stepped(knob.text, Step(1.5))
        if new is None:
            continue
        dial = knob_dial(knob, f"for … in range, {knob.label}", "epochs", [Step(1.5, cost=1.5)])

        def change(draft: Draft, dial: Dial = dial, new: str = new) -> None:
            dial.write(draft, new)

        yield Lever(
            epochs.loop,
            dial.anchor,
            change,
            f"Train half as long again: {knob.label} {knob.text} → {new}",
            "the loss may still be falling when training stops",
            {"from": knob.text, "to": new},
            ("the gain, if any, is bought with compute: compare at equal compute",),
            1.5,
            dials=(dial,),
        )


EPOCHS = Transformation(
    name="epochs",
    summary="Half as many epochs again",
    library=TORCH,
    family="training-length",
    granularity=Granularity.PARAM,
    paper="Hoffer, Hubara & Soudry 2017, Train Longer, Generalize Better, arXiv 1705.08741",
    precondition="a counted training loop whose length leads to one literal",
    expected="a gain where training stops early; it costs compute",
    prior=0.3,
    find=_epochs,
)

_WIDTHS = frozenset(
    [
        "hidden",
        "hidden_dim",
        "hidden_size",
        "hidden_units",
        "n_hidden",
        "num_hidden",
        "width",
        "channels",
        "n_channels",
        "num_channels",
        "filters",
        "n_filters",
    ]
)


def _width(module: Module) -> Iterator[Lever]:
    networks = list(find_networks(module))
    shared = Counter(name for n in networks for name, _ in defaults_of(module, n.init))
    for network in networks:
        for name, default in defaults_of(module, network.init):
            if name not in _WIDTHS or shared[name] > 1:  # two parts that must agree on it
                continue
            parameter = default.parent
            given = (
                list(arguments_for(module, network.init, parameter, name))
                if parameter is not None
                else [None]
            )
            knob = find_knob(module, given[0] if given else default, name)
            if len(given) > 1 or knob is None:
                continue
            new = stepped(knob.text, Step(1.5))
            if new is None:
                continue
            dial = knob_dial(knob, f"{network.anchor}, {name}", name, [Step(1.5, cost=1.5)])

            def change(draft: Draft, dial: Dial = dial, new: str = new) -> None:
                dial.write(draft, new)

            yield Lever(
                network.init,
                dial.anchor,
                change,
                f"Widen {network.name}: {knob.label} {knob.text} → {new}",
                "wider networks are easier to fit, and often generalise better",
                {"from": knob.text, "to": new},
                ("the gain, if any, is bought with parameters and compute",),
                1.5,
                dials=(dial,),
            )


WIDTH = Transformation(
    name="width",
    summary="Hidden layers half as wide again",
    library=TORCH,
    family="capacity",
    granularity=Granularity.PARAM,
    paper="Zagoruyko & Komodakis 2016, Wide Residual Networks, arXiv 1605.07146",
    precondition="a width parameter of a network class that leads to one literal",
    expected="a gain when the network underfits; it costs parameters",
    prior=0.35,
    find=_width,
)


def _kernel(module: Module) -> Iterator[Lever]:
    for network in find_networks(module):
        sites = [
            layer.call
            for layer in network.layers.values()
            if layer.call.name in CONVOLUTIONS and _grows(module, layer.call)
        ]
        if not sites:
            continue

        def change(draft: Draft, sites: list[Call] = sites) -> None:
            for call in sites:
                kernel, padding = call.value("kernel_size", 2), call.value("padding", 4)
                for node, more in ((kernel, 2), (padding, 1)):
                    value = read_number(draft.module.text(node)) if node is not None else None
                    if node is not None and value is not None:
                        draft.replace(node, str(int(value) + more))

        old = ", ".join(
            module.text(node) for c in sites if (node := c.value("kernel_size", 2)) is not None
        )
        yield Lever(
            network.init,
            network.anchor,
            change,
            f"Larger kernels in {network.name} ({old}, each + 2)",
            "a wider view at each layer, with the shapes left as they are",
            {"from": old},
            cost=1.2,
        )


def _grows(module: Module, call: Call) -> bool:
    kernel, padding = call.value("kernel_size", 2), call.value("padding", 4)
    if kernel is None or padding is None or call.open or "dilation" in call.keywords:
        return False
    size, pad = read_number(module.text(kernel)), read_number(module.text(padding))
    return isinstance(size, int) and isinstance(pad, int) and 3 <= size <= 5


KERNEL_SIZE = Transformation(
    name="kernel-size",
    summary="Larger convolution kernels, shapes unchanged",
    library=TORCH,
    family="architecture",
    granularity=Granularity.CODE,
    paper="Ding et al. 2022, Scaling Up Your Kernels to 31×31, arXiv 2203.06717",
    precondition="convolutions of size 3 to 5 with a literal padding",
    expected="a gain where context matters",
    prior=0.3,
    find=_kernel,
    risk=Level.MEDIUM,
)

TRANSFORMATIONS = (BATCH_SIZE, EPOCHS, WIDTH, KERNEL_SIZE)
