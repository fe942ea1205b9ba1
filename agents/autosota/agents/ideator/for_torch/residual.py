"""Structure and start of a network: residual connections, weight initialisation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from autosota.agents.domain import Granularity, Level
from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_torch.layers import ACTIVATIONS
from autosota.agents.ideator.for_torch.models import (
    CONVOLUTIONS,
    Network,
    find_networks,
    in_size,
    out_size,
)
from autosota.agents.ideator.module import Module, body_of
from autosota.agents.ideator.notation import read_number
from autosota.agents.ideator.transformation import Lever, Transformation

TORCH = "PyTorch"
_SHORTCUT = re.compile(r"shortcut|residual|identity|downsample|skip|\+=", re.IGNORECASE)


def _residual(module: Module) -> Iterator[Lever]:
    for network in find_networks(module):
        if _SHORTCUT.search(module.text(network.node)):
            continue
        for statement in body_of(network.forward):
            found = _same_shape(network, statement)
            if found is None:
                continue
            layer, source, value = found

            def change(draft: Draft, source: str = source, value: Node = value) -> None:
                draft.wrap(value, f"{source} + ", "")

            yield Lever(
                statement,
                f"{network.anchor}, self.{layer}",
                change,
                f"Residual connection around {layer} of {network.name}",
                f"{layer} keeps the shape of its input, so it can learn a correction to it",
            )


def _same_shape(network: Network, statement: Node) -> tuple[str, str, Node] | None:
    """`h = act(self.layer(x))` with a layer that keeps the shape: its name, x and the value."""
    module = network.module
    if statement.type != "expression_statement" or not statement.named_children:
        return None
    assignment = statement.named_children[0]
    value = assignment.child_by_field_name("right")
    if assignment.type != "assignment" or value is None or value.type != "call":
        return None
    call = module.call(value)
    activated = False
    while call is not None:
        name = module.text(call.function)
        layer = network.layers.get(name.removeprefix("self.")) if name.startswith("self.") else None
        if layer is not None and layer.call.name in {"Linear", *CONVOLUTIONS}:
            if len(call.positional) != 1 or call.positional[0].type != "identifier":
                return None
            kept = activated and _keeps_shape(module, layer.call)
            return (layer.name, module.text(call.positional[0]), value) if kept else None
        kind = layer.call.name if layer is not None else call.name or name.rpartition(".")[2]
        activated = activated or kind in ACTIVATIONS
        call = module.call(_through(call, kind))
    return None


def _through(call: Call, kind: str) -> Node | None:
    """What goes into an activation, a normalisation or dropout; None through anything else."""
    same = kind in ACTIVATIONS or kind.startswith(("BatchNorm", "LayerNorm", "Dropout", "dropout"))
    if not same:
        return None
    inner = call.positional[0] if call.positional else None
    # self.fc(x).relu() has its input in front of the dot
    return inner or call.function.child_by_field_name("object")


def _keeps_shape(module: Module, call: Call) -> bool:
    one, other = in_size(module, call), out_size(module, call)
    if not one or one != other or call.open:
        return False
    if call.name == "Linear":
        return True
    kernel = call.value("kernel_size", 2)
    stride, padding = call.value("stride", 3), call.value("padding", 4)
    if set(call.keywords) & {"dilation"} or len(call.positional) > 5 or kernel is None:
        return False
    if stride is not None and module.text(stride) != "1":
        return False
    if padding is None:
        return module.text(kernel) == "1"
    if module.text(padding).strip("'\"") == "same":
        return True
    size, pad = read_number(module.text(kernel)), read_number(module.text(padding))
    return isinstance(size, int) and size % 2 == 1 and pad == size // 2


RESIDUAL = Transformation(
    name="residual",
    summary="Residual connection around a layer that keeps the shape",
    library=TORCH,
    family="architecture",
    granularity=Granularity.ALGO,
    paper="He et al. 2016, Deep Residual Learning, arXiv 1512.03385",
    precondition="`h = act(self.layer(x))` in forward, with equal input and output shape",
    expected="easier optimisation, more with more layers",
    prior=0.45,
    find=_residual,
    risk=Level.MEDIUM,
)

_INITIALISED = ("Linear", "Conv1d", "Conv2d", "Conv3d")


def _kaiming(module: Module) -> Iterator[Lever]:
    if any(".init." in call.dotted or call.name.endswith("_") for call in module.calls):
        return
    for network in find_networks(module):
        kinds = [k for k in _INITIALISED if network_has(network, k)]
        relu = network.calls("ReLU", "relu", "GELU", "gelu", "SiLU", "silu") or any(
            module.text(c.function).endswith(".relu") for c in module.calls_in(network.forward)
        )
        if not kinds or not relu:
            continue

        def change(draft: Draft, network: Network = network, kinds: list[str] = kinds) -> None:
            beside = next(
                c for c in module.calls_in(network.init) if c.dotted == f"torch.nn.{kinds[0]}"
            )
            names = [draft.spell(f"torch.nn.{k}", beside) for k in kinds]
            kind = names[0] if len(names) == 1 else f"({', '.join(names)})"
            kaiming = draft.spell("torch.nn.init.kaiming_normal_")
            zeros = draft.spell("torch.nn.init.zeros_")
            draft.after(
                body_of(network.init)[-1],
                [
                    "for layer in self.modules():",
                    f"    if isinstance(layer, {kind}):",
                    f'        {kaiming}(layer.weight, nonlinearity="relu")',
                    "        if layer.bias is not None:",
                    f"            {zeros}(layer.bias)",
                ],
            )

        yield Lever(
            network.init,
            network.anchor,
            change,
            f"Kaiming initialisation of {network.name}",
            "PyTorch's default start shrinks the signal from layer to layer under ReLU",
        )


def network_has(network: Network, kind: str) -> bool:
    """True when `__init__` constructs a layer of this kind."""
    return any(call.dotted == f"torch.nn.{kind}" for call in network.module.calls_in(network.init))


KAIMING = Transformation(
    name="kaiming-init",
    summary="Kaiming initialisation of linear and convolution layers",
    library=TORCH,
    family="initialisation",
    granularity=Granularity.CODE,
    paper="He et al. 2015, Delving Deep into Rectifiers, arXiv 1502.01852",
    precondition="a ReLU-like network class, and no initialisation of its own in the file",
    expected="a faster start; a gain in deep networks without normalisation",
    prior=0.3,
    find=_kaiming,
)

TRANSFORMATIONS = (RESIDUAL, KAIMING)
