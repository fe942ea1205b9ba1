"""`nn.Module` classes and `nn.Sequential` stacks: their layers and how `forward` uses them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tree_sitter import Node

from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.module import Module, body_of

CONVOLUTIONS = {"Conv1d": "BatchNorm1d", "Conv2d": "BatchNorm2d", "Conv3d": "BatchNorm3d"}


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer that `__init__` assigns to `self.<name>`."""

    name: str
    call: Call
    statement: Node


@dataclass(frozen=True, slots=True)
class Network:
    """A class derived from `nn.Module`, with both its methods in plain sight."""

    module: Module
    node: Node
    name: str
    init: Node
    forward: Node
    layers: Mapping[str, Layer]

    @property
    def anchor(self) -> str:
        """The place by structure."""
        return f"class {self.name}"

    def uses(self, layer: str) -> list[Call]:
        """The calls of `self.<layer>(...)` in `forward`, in source order."""
        wanted = f"self.{layer}"
        return [
            call
            for call in self.module.calls_in(self.forward)
            if self.module.text(call.function) == wanted
        ]

    def calls(self, *names: str) -> bool:
        """True when the class calls one of these library classes or functions."""
        return any(call.name in names for call in self.module.calls_in(self.node))


def find_networks(module: Module) -> Iterator[Network]:
    """The network classes of a file: with a `forward`, and layers that their constructor makes.

    Derived from `torch.nn.Module` at once, or from a class of the repository or of another
    library (a LightningModule, say) whose constructor they call first.
    """
    for node in module.nodes:
        if node.type != "class_definition":
            continue
        bases = node.child_by_field_name("superclasses")
        names = [module.bindings.resolve(b) for b in bases.named_children] if bases else []
        name = node.child_by_field_name("name")
        if name is None or not bases or not module.bindings.uses("torch"):
            continue
        init, forward = _method(module, node, "__init__"), _method(module, node, "forward")
        if init is not None and forward is not None:
            layers = {layer.name: layer for layer in _layers(module, init)}
            derived = layers and ".__init__(" in module.text(init)
            if "torch.nn.Module" not in names and not derived:
                continue
            yield Network(module, node, module.text(name), init, forward, layers)


@dataclass(frozen=True, slots=True)
class Stack:
    """An `nn.Sequential` with its elements written out."""

    module: Module
    call: Call
    elements: tuple[Call, ...]
    anchor: str

    @property
    def title(self) -> str:
        """What a person would call it."""
        symbol = self.module.symbol(self.call.node)
        return f"the stack of {symbol}" if self.anchor in ("return", "expression") else self.anchor

    def has(self, *names: str) -> bool:
        """True when an element is one of these layers."""
        return any(element.name in names for element in self.elements)


def find_stacks(module: Module) -> Iterator[Stack]:
    """The `nn.Sequential(...)` calls whose elements are all plain constructions."""
    for call in module.calls:
        if call.dotted != "torch.nn.Sequential" or call.open or call.keywords:
            continue
        elements = [module.call(node) for node in call.positional]
        if elements and all(e is not None and e.dotted.startswith("torch.nn.") for e in elements):
            plain = tuple(e for e in elements if e is not None)
            yield Stack(module, call, plain, _target(module, call.node))


def out_size(module: Module, call: Call) -> str:
    """The output channels or features of a convolution or linear layer, as code, or ''."""
    keyword = "out_features" if call.name == "Linear" else "out_channels"
    node = call.value(keyword, 1)
    return module.text(node) if node is not None else ""


def in_size(module: Module, call: Call) -> str:
    """The input channels or features of a convolution or linear layer, as code, or ''."""
    keyword = "in_features" if call.name == "Linear" else "in_channels"
    node = call.value(keyword, 0)
    return module.text(node) if node is not None else ""


def _target(module: Module, node: Node) -> str:
    current: Node | None = node
    while current is not None and current.type not in ("block", "module"):
        if current.type == "assignment":
            left = current.child_by_field_name("left")
            return module.text(left) if left is not None else ""
        if current.type == "return_statement":
            return "return"
        current = current.parent
    return "expression"


def _method(module: Module, node: Node, name: str) -> Node | None:
    for child in body_of(node):
        definition = child.child_by_field_name("definition") or child
        label = definition.child_by_field_name("name")
        is_function = definition.type == "function_definition"
        if is_function and label is not None and module.text(label) == name:
            return definition
    return None


def _layers(module: Module, init: Node) -> Iterator[Layer]:
    for statement in body_of(init):
        if statement.type != "expression_statement" or not statement.named_children:
            continue
        assignment = statement.named_children[0]
        left, right = (assignment.child_by_field_name(f) for f in ("left", "right"))
        if assignment.type != "assignment" or left is None or left.type != "attribute":
            continue
        call = module.call(right)
        target = module.text(left)
        if call is not None and target.startswith("self.") and call.dotted.startswith("torch.nn."):
            yield Layer(target.removeprefix("self."), call, statement)
