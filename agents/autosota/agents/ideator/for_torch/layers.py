"""What stands between the layers of a network: normalisation, activation, dropout, pooling.

Each works on an `nn.Sequential` with written-out elements, or on a class whose `__init__`
and `forward` are in plain sight. Layers that behave differently in training are only added
where the code switches the model between training and evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from autosota.agents.code.source import Edit
from autosota.agents.domain import Granularity, Level
from autosota.agents.ideator.calls import Call, insert_before, rewrite_call
from autosota.agents.ideator.draft import Draft
from autosota.agents.ideator.for_torch.models import (
    CONVOLUTIONS,
    Layer,
    Network,
    Stack,
    find_networks,
    find_stacks,
    out_size,
)
from autosota.agents.ideator.for_torch.training import has_switches
from autosota.agents.ideator.module import Module, contains, statement_of
from autosota.agents.ideator.transformation import Lever, Transformation

TORCH = "PyTorch"
ACTIVATIONS = frozenset(
    [
        "ReLU",
        "GELU",
        "SiLU",
        "Tanh",
        "LeakyReLU",
        "ELU",
        "Sigmoid",
        "Mish",
        "relu",
        "gelu",
        "silu",
        "tanh",
        "leaky_relu",
        "elu",
    ]
)
_NORMS = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "LayerNorm", "GroupNorm", "InstanceNorm1d")
_DROPOUTS = ("Dropout", "Dropout1d", "Dropout2d", "AlphaDropout", "dropout")


# ------------------------------------------------------------------ dropout


def _dropout(module: Module) -> Iterator[Lever]:
    if not has_switches(module):
        return
    reason = "nothing keeps the last layers from relying on single features"
    for network in find_networks(module):
        last = _last_linear(network)
        if last is None or network.calls(*_DROPOUTS) or "dropout" in network.layers:
            continue
        layer, use = last

        def change(draft: Draft, layer: Layer = layer, use: Call = use) -> None:
            draft.after(
                layer.statement,
                [f"self.dropout = {draft.spell('torch.nn.Dropout', layer.call)}(0.2)"],
            )
            draft.wrap(use.positional[0], "self.dropout(", ")")

        yield Lever(
            layer.call.node,
            network.anchor,
            change,
            f"Dropout before the last layer of {network.name}",
            reason,
        )
    for stack in find_stacks(module):
        linear = [e for e in stack.elements if e.name == "Linear"]
        if len(linear) < 2 or linear[-1] != stack.elements[-1] or stack.has(*_DROPOUTS):
            continue

        def insert(draft: Draft, stack: Stack = stack) -> None:
            name = draft.spell("torch.nn.Dropout", stack.elements[-1])
            node = stack.elements[-1].node
            draft.edit(stack.call.node, [insert_before(draft.module.source, node, f"{name}(0.2)")])

        yield Lever(
            stack.call.node,
            stack.anchor,
            insert,
            f"Dropout before the last layer of {stack.title}",
            reason,
        )


def _last_linear(network: Network) -> tuple[Layer, Call] | None:
    """The layer of `self.fc(x)` that forward ends with, if it is a Linear used once."""
    calls = [
        (layer, use)
        for layer in network.layers.values()
        for use in network.uses(layer.name)
        if len(use.positional) == 1
    ]
    if len(calls) < 2:
        return None
    # The outermost of nested calls ends last: `self.c(self.b(self.a(x)))` is one expression.
    layer, use = max(calls, key=lambda pair: (pair[1].node.end_byte, -pair[1].node.start_byte))
    linear = layer.call.name == "Linear" and len(network.uses(layer.name)) == 1
    return (layer, use) if linear else None


DROPOUT = Transformation(
    name="dropout",
    summary="Dropout before the last linear layer",
    library=TORCH,
    family="regularisation",
    granularity=Granularity.CODE,
    paper="Srivastava et al. 2014, Dropout, JMLR 15",
    precondition="a network that ends in a Linear, no dropout yet, train() and eval() are called",
    expected="less overfitting on small data; a loss where the network underfits",
    prior=0.4,
    find=_dropout,
)


# ------------------------------------------------------------------ normalisation


def _batch_norm(module: Module) -> Iterator[Lever]:
    if not has_switches(module):
        return
    yield from _normalise(
        module,
        dict(CONVOLUTIONS),
        "Batch normalisation after the convolutions of",
        "the scale of activations drifts while the layers below them learn",
    )


def _layer_norm(module: Module) -> Iterator[Lever]:
    yield from _normalise(
        module,
        {"Linear": "LayerNorm"},
        "Layer normalisation after the hidden layers of",
        "the scale of activations drifts while the layers below them learn",
    )


def _normalise(module: Module, norms: dict[str, str], title: str, reason: str) -> Iterator[Lever]:
    for network in find_networks(module):
        if network.calls(*_NORMS):
            continue
        activated = [
            (layer, use)
            for layer in network.layers.values()
            if layer.call.name in norms and out_size(module, layer.call)
            for use in network.uses(layer.name)
            if _is_activated(module, use) and len(network.uses(layer.name)) == 1
        ]
        if not activated or any(f"{layer.name}_norm" in network.layers for layer, _ in activated):
            continue

        def change(draft: Draft, activated: list[tuple[Layer, Call]] = activated) -> None:
            for layer, use in activated:
                norm = draft.spell(f"torch.nn.{norms[layer.call.name]}", layer.call)
                size = out_size(draft.module, layer.call)
                draft.after(layer.statement, [f"self.{layer.name}_norm = {norm}({size})"])
                draft.wrap(use.node, f"self.{layer.name}_norm(", ")")

        yield Lever(
            activated[0][0].call.node, network.anchor, change, f"{title} {network.name}", reason
        )
    for stack in find_stacks(module):
        pairs = [
            (layer, activation)
            for layer, activation in zip(stack.elements, stack.elements[1:], strict=False)
            if layer.name in norms and activation.name in ACTIVATIONS and out_size(module, layer)
        ]
        if not pairs or stack.has(*_NORMS):
            continue

        def insert(
            draft: Draft, stack: Stack = stack, pairs: list[tuple[Call, Call]] = pairs
        ) -> None:
            edits = []
            for layer, activation in pairs:
                norm = draft.spell(f"torch.nn.{norms[layer.name]}", layer)
                text = f"{norm}({out_size(draft.module, layer)})"
                edits.append(insert_before(draft.module.source, activation.node, text))
            draft.edit(stack.call.node, edits)

        yield Lever(stack.call.node, stack.anchor, insert, f"{title} {stack.title}", reason)


def _is_activated(module: Module, use: Call) -> bool:
    """`F.relu(self.fc(x))`, `self.fc(x).relu()`, `self.act(self.fc(x))`, or in two lines."""
    parent = use.node.parent
    if parent is None:
        return False
    if parent.type == "assignment":
        return _is_activated_next(module, parent)
    if parent.type == "attribute":
        name = parent.child_by_field_name("attribute")
        return name is not None and module.text(name) in ("relu", "tanh", "sigmoid")
    around = module.call(parent.parent) if parent.type == "argument_list" else None
    return around is not None and _activates(module, around)


def _is_activated_next(module: Module, assignment: Node) -> bool:
    """`x = self.conv(x)`, then `x = F.relu(x)` in the next statement."""
    left = assignment.child_by_field_name("left")
    following = statement_of(assignment).next_named_sibling
    inner = following.named_children[0] if following and following.named_children else None
    call = module.call(inner.child_by_field_name("right")) if inner is not None else None
    if left is None or call is None or not call.positional:
        return False
    same = module.text(call.positional[0]) == module.text(left)
    return same and _activates(module, call)


def _activates(module: Module, around: Call) -> bool:
    name_text = around.name or module.text(around.function).rpartition(".")[2]
    return name_text in ACTIVATIONS or name_text in ("act", "activation", "nonlinearity")


BATCH_NORM = Transformation(
    name="batch-norm",
    summary="Batch normalisation after convolutions",
    library=TORCH,
    family="normalisation",
    granularity=Granularity.CODE,
    paper="Ioffe & Szegedy 2015, Batch Normalization, arXiv 1502.03167",
    precondition="activated convolutions without normalisation; train() and eval() are called",
    expected="faster training, usually better accuracy in convolutional networks",
    prior=0.6,
    find=_batch_norm,
    risk=Level.MEDIUM,
)

LAYER_NORM = Transformation(
    name="layer-norm",
    summary="Layer normalisation after hidden linear layers",
    library=TORCH,
    family="normalisation",
    granularity=Granularity.CODE,
    paper="Ba, Kiros & Hinton 2016, Layer Normalization, arXiv 1607.06450",
    precondition="activated linear layers without normalisation",
    expected="faster training of multi-layer perceptrons",
    prior=0.35,
    find=_layer_norm,
    risk=Level.MEDIUM,
)


# ------------------------------------------------------------------ activations


def _activation(module: Module) -> Iterator[Lever]:
    scopes = [(n.node, n.anchor, n.name) for n in find_networks(module)]
    scopes += [
        (s.call.node, s.anchor, s.title)
        for s in find_stacks(module)
        if not any(contains(node, s.call.node) for node, _, _ in scopes)
    ]
    for new, weight in (("GELU", 1.0), ("SiLU", 0.8)):
        for scope, anchor, name in scopes:
            sites = [c for c in module.calls_in(scope) if _relu_kind(module, c)]
            if not sites:
                continue

            def change(draft: Draft, sites: list[Call] = sites, new: str = new) -> None:
                for call in sites:
                    _swap(draft, call, new)

            yield Lever(
                scope,
                anchor,
                change,
                f"ReLU → {new} in {name}",
                "ReLU passes no gradient through units that are off",
                {"to": new},
                weight=weight,
            )


def _relu_kind(module: Module, call: Call) -> str:
    if call.dotted in ("torch.nn.ReLU", "torch.nn.functional.relu", "torch.relu"):
        return call.dotted
    text = call.function
    attribute = text.child_by_field_name("attribute") if text.type == "attribute" else None
    method = attribute is not None and module.text(attribute) == "relu"
    return "method" if method and not call.dotted and not call.positional else ""


def _swap(draft: Draft, call: Call, new: str) -> None:
    kind = _relu_kind(draft.module, call)
    if kind == "torch.nn.ReLU":
        name = draft.spell(f"torch.nn.{new}", call)
        if call.positional or call.keywords:  # inplace=…, which GELU does not take
            draft.edit(call.node, [rewrite_call(draft.module.source, call, name, (), {})])
        else:
            draft.replace(call.function, name)
        return
    function = draft.spell(f"torch.nn.functional.{new.lower()}")
    if kind == "method":
        owner = call.function.child_by_field_name("object")
        if owner is not None:
            start, end = owner.end_byte, call.node.end_byte
            source = draft.module.source
            draft.edit(call.node, _method_edits(source.content, owner, start, end, function))
        return
    draft.replace(call.function, function)
    for keyword in call.keywords.values():  # inplace=True
        draft.replace(keyword, "")


def _method_edits(content: bytes, owner: Node, start: int, end: int, function: str) -> list[Edit]:
    return [
        Edit(owner.start_byte, owner.start_byte, f"{function}(".encode()),
        Edit(start, end, b")"),
    ]


ACTIVATION = Transformation(
    name="activation",
    summary="ReLU → GELU or SiLU",
    library=TORCH,
    family="architecture",
    granularity=Granularity.CODE,
    paper="Hendrycks & Gimpel 2016, Gaussian Error Linear Units, arXiv 1606.08415",
    precondition="ReLU called in a network class or an nn.Sequential",
    expected="a small gain",
    prior=0.4,
    find=_activation,
)


# ------------------------------------------------------------------ pooling


def _pooling(module: Module) -> Iterator[Lever]:
    for new, old in (("Avg", "Max"), ("Max", "Avg")):
        for scope, anchor in _pool_scopes(module):
            sites = [
                c
                for c in module.calls_in(scope)
                if c.dotted.startswith("torch.nn.")
                and c.name.startswith((f"{old}Pool", f"{old.lower()}_pool"))
                and not c.open
                and not set(c.keywords) - {"kernel_size", "stride", "padding"}
                and len(c.positional) <= 4 - (c.name[0] == "M")
            ]
            if not sites:
                continue

            def change(
                draft: Draft, sites: list[Call] = sites, new: str = new, old: str = old
            ) -> None:
                for call in sites:
                    name = call.dotted.replace(f".{old}Pool", f".{new}Pool").replace(
                        f".{old.lower()}_pool", f".{new.lower()}_pool"
                    )
                    draft.replace(call.function, draft.spell(name, call))

            yield Lever(
                scope,
                anchor,
                change,
                f"{old} pooling → {new.lower()} pooling in {anchor.removeprefix('class ')}",
                "what survives pooling decides what later layers can tell apart",
                {"to": new},
            )


def _pool_scopes(module: Module) -> list[tuple[Node, str]]:
    return [(n.node, n.anchor) for n in find_networks(module)]


POOLING = Transformation(
    name="pooling",
    summary="Max pooling ↔ average pooling",
    library=TORCH,
    family="architecture",
    granularity=Granularity.CODE,
    paper="Boureau, Ponce & LeCun 2010, A Theoretical Analysis of Feature Pooling",
    precondition="pooling layers of one kind with plain arguments in a network class",
    expected="either way, by how sparse the features are",
    prior=0.25,
    find=_pooling,
)

TRANSFORMATIONS = (DROPOUT, BATCH_NORM, LAYER_NORM, ACTIVATION, POOLING)
