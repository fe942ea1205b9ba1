"""Layers where a class makes them, whatever its `forward` does: places that can be wrapped.

`self.fc = nn.Linear(…)`, an element of an `nn.Sequential` or of a list that becomes one, a layer
in a branch of `__init__`. A layer may be wrapped when the code only ever calls it: nothing reads
its weights, sizes or bias, and nothing loads weights by name. The way the class is derived does
not matter (a LightningModule, a base class of the repository), nor how its layers are called.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from tree_sitter import Node

from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.module import Module, contains, enclosing, function_of

LINEAR = frozenset(["Linear"])
CONVOLUTION = frozenset(["Conv1d", "Conv2d", "Conv3d"])
WEIGHTED = LINEAR | CONVOLUTION
_PARTS = re.compile(rb"\.(weight|bias|in_features|out_features|in_channels|kernel_size|stride)\b")
_LOADS = re.compile(
    rb"load_url|load_state_dict_from_url|state_dict\(\)\[|tie_weights|def from_pretrained"
    rb"|pretrained_cfg|default_cfgs|torch\.jit"
)
_HEADS = re.compile(r"head|out|logit|classif|predict|final|last|fc$|score|decod|proj_out|to_out")


@dataclass(frozen=True, slots=True)
class Slot:
    """A layer with weights that a class makes. `attribute` is its name, or '' in a container."""

    module: Module
    call: Call
    attribute: str
    follows: str
    """The class of the next element of the same container, or ''."""
    free: bool = True
    """False when the layer's own parts are read somewhere: it keeps its place, and is left."""


@dataclass(frozen=True, slots=True)
class Class:
    """A class that makes torch layers: its node, its constructor and its slots, in order."""

    module: Module
    node: Node
    name: str
    init: Node | None
    slots: tuple[Slot, ...]

    @property
    def anchor(self) -> str:
        """The place by structure."""
        return f"class {self.name}"

    @property
    def hidden(self) -> tuple[Slot, ...]:
        """Layers that something follows: not the last one, nor one named like an output."""
        return tuple(
            s
            for s in self.slots[:-1]
            if s.free and (s.follows or not _HEADS.search(s.attribute.lower()))
        )

    @property
    def last(self) -> Slot | None:
        """The last linear layer, if it is the last layer that the class makes."""
        slot = self.slots[-1] if self.slots else None
        return slot if slot is not None and slot.free and slot.call.name == "Linear" else None

    def mentions(self, pattern: str) -> bool:
        """True when a regular expression is found in the text of the class."""
        return re.search(pattern, self.module.text(self.node)) is not None


def find_classes(module: Module) -> list[Class]:
    """The classes of a file that make torch layers and have weights nobody else names."""
    return list(_classes(module)) if module.bindings.uses("torch") else []


@lru_cache(maxsize=64)
def _classes(module: Module) -> tuple[Class, ...]:
    found = []
    for node in module.nodes:
        label = node.child_by_field_name("name") if node.type == "class_definition" else None
        if label is None or not _is_network(module, node):
            continue
        calls = [c for c in module.calls_in(node) if _class_of(c.node) == node]
        slots = tuple(s for c in calls if (s := _slot(module, node, c)) is not None)
        if any(c.dotted.startswith("torch.nn.") for c in calls):
            found.append(Class(module, node, module.text(label), _init(module, node), slots))
    return tuple(found)


def wrappable(module: Module) -> bool:
    """False when weights are loaded or tied by the names that wrapping would change."""
    return _LOADS.search(module.source.content) is None


def size_of(module: Module, call: Call, *, out: bool) -> str:
    """The output (or input) features or channels of a layer, as code, or ''."""
    names = ("out_features", "out_channels") if out else ("in_features", "in_channels")
    for name in names:
        node = call.value(name, 1 if out else 0)
        if node is not None:
            return module.text(node)
    return ""


def grouped(text: str) -> str:
    """Code for a number, in parentheses unless it is a plain name, attribute or number."""
    return text if re.fullmatch(r"[\w.]+", text) else f"({text})"


def is_steady(module: Module, node: Node | None) -> bool:
    """True when writing an expression twice means the same: no call but len and int."""
    if node is None:
        return False
    plain = re.sub(r"\b(len|int|max|min)\(", "(", module.text(node))
    return not re.search(r"[\w\])]\s*\(", plain)


def _slot(module: Module, owner: Node, call: Call) -> Slot | None:
    if call.dotted.rpartition(".")[0] != "torch.nn" or call.name not in WEIGHTED or call.open:
        return None
    size = call.value("out_features" if call.name == "Linear" else "out_channels", 1)
    if size is None or not is_steady(module, size):
        return None
    parent = call.node.parent
    if parent is not None and parent.type == "assignment":
        left = parent.child_by_field_name("left")
        text = module.text(left) if left is not None else ""
        if not re.fullmatch(r"self\.\w+", text):
            return None
        name = text.removeprefix("self.")
        return Slot(module, call, name, "", _only_called(module, name))
    if parent is None or parent.type not in ("argument_list", "list"):
        return None
    around = module.call(parent.parent) if parent.type == "argument_list" else None
    inside = parent.type == "list" or (
        around is not None
        and (
            around.dotted == "torch.nn.Sequential"
            or module.text(around.function).endswith("append")
        )
    )
    if not inside:
        return None
    following = call.node.next_named_sibling
    after = module.call(following) if following is not None else None
    free = not _reads_parts(module, owner)
    return Slot(module, call, "", after.name if after is not None else "", free)


def _only_called(module: Module, name: str) -> bool:
    """True when `.name` is assigned once and otherwise called with a single argument."""
    assigned = 0
    pattern = re.compile(rb"\.%s\b" % name.encode())
    for near in module.neighbours:
        if not pattern.search(near.source.content):
            continue
        for node in near.nodes:
            if node.type != "attribute":
                continue
            label = node.child_by_field_name("attribute")
            if label is None or near.text(label) != name:
                continue
            parent = node.parent
            if parent is None:
                return False
            if parent.type == "assignment" and parent.child_by_field_name("left") == node:
                if near is module:
                    assigned += 1
                continue
            call = near.call(parent)
            if call is not None and call.function == node:
                if len(call.positional) != 1 or call.keywords or call.open:
                    return False
                continue
            if parent.type not in (
                "argument_list",
                "list",
                "tuple",
                "return_statement",
                "if_statement",
                "comparison_operator",
            ):
                return False
    return assigned == 1


def _reads_parts(module: Module, owner: Node) -> bool:
    """True when a class reads weights of layers outside functions that look at their type."""
    for node in module.nodes:
        if node.type == "attribute" and contains(owner, node):
            label = node.child_by_field_name("attribute")
            if label is None or not _PARTS.match(b"." + module.text(label).encode()):
                continue
            function = function_of(node)
            if function is None or "isinstance(" not in module.text(function):
                return True
    return False


def _is_network(module: Module, node: Node) -> bool:
    """True for a class with a base whose methods call, or are called, like a module's."""
    bases = node.child_by_field_name("superclasses")
    if bases is None or not bases.named_children:
        return False
    body = node.child_by_field_name("body")
    return (
        body is not None
        and re.search(r"super\(.*\)\.__init__|nn\.Module\.__init__", module.text(body)) is not None
    )


def _class_of(node: Node) -> Node | None:
    return enclosing(node, "class_definition")


def _init(module: Module, node: Node) -> Node | None:
    for other in module.functions.values():
        label = other.child_by_field_name("name")
        if label is not None and module.text(label) == "__init__" and _class_of(other) == node:
            return other
    return None
