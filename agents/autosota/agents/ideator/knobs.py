"""Where a number that the code uses is written down.

`lr=args.lr` leads to the `default=` of `--lr`, `EPOCHS` to its assignment, `cfg.width` to a
dataclass field, a parameter to its default or to the one call that fills it. A number that
the experiment's command line overrides, that is bound twice, or that is computed, is not
found: an edit there would do nothing, or not what its title says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tree_sitter import Node

from autosota.agents.ideator.calls import Call
from autosota.agents.ideator.command import given_value
from autosota.agents.ideator.module import Module, contains, function_of
from autosota.agents.ideator.notation import read_number

MAX_HOPS = 4
"""A name, its parameter, the caller's argument, the option's default."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal and what a person calls it.

    `flags` are the options of the command line that would override it, in one string.
    """

    module: Module
    node: Node
    label: str
    flags: str = ""

    @property
    def text(self) -> str:
        """The literal as it is written."""
        return self.module.text(self.node)


@dataclass(frozen=True, slots=True)
class Knob:
    """A number and the literal that sets it."""

    module: Module
    node: Node
    value: int | float
    label: str

    @property
    def text(self) -> str:
        """The literal as it is written."""
        return self.module.text(self.node)


def find_knob(module: Module, node: Node | None, label: str = "") -> Knob | None:
    """The number behind an expression, or None (also when the objective freezes it).

    `label` names the number when it stands right where it is used.
    """
    literal = _follow(module, node, label, MAX_HOPS)
    value = read_number(literal.text) if literal is not None else None
    if literal is None or value is None or given_value(module, literal.flags) is not None:
        return None
    if module.project.is_frozen(literal.label) or module.project.is_frozen(label):
        return None
    return Knob(literal.module, literal.node, value, literal.label)


def find_word(module: Module, node: Node | None) -> str | None:
    """The string that an expression has in this experiment, if its command line settles it."""
    literal = _follow(module, node, "", MAX_HOPS)
    if literal is None or literal.node.type != "string":
        return None
    given = given_value(module, literal.flags)
    return _string(literal.module, literal.node) if given is None else given


def _follow(module: Module, node: Node | None, label: str, hops: int) -> Literal | None:
    if node is None or hops < 0:
        return None
    if node.type in ("integer", "float", "unary_operator", "string"):
        return Literal(module, node, label)
    if node.type == "parenthesized_expression" and node.named_child_count == 1:
        return _follow(module, node.named_children[0], label, hops)
    if node.type == "identifier":
        return _name(module, node, hops)
    if node.type == "attribute":
        return _attribute(module, node, hops)
    if node.type == "subscript":
        return _subscript(module, node, hops)
    return None


def _option(module: Module, flags: str, value: Node | None, hops: int) -> Literal | None:
    found = _follow(module, value, _long(flags), hops)
    return replace(found, flags=flags) if found is not None else None


# ------------------------------------------------------------------ names and parameters


def _name(module: Module, node: Node, hops: int) -> Literal | None:
    name = module.text(node)
    function = function_of(node)
    while function is not None:
        if function.type == "lambda":
            return None
        values = list(_assigned(module, name, function))
        parameter = _parameter(module, function, name)
        if parameter is not None:
            return None if values else _argument(module, function, parameter, name, hops - 1)
        if values:
            return _follow(module, values[0], name, hops - 1) if len(values) == 1 else None
        function = function_of(function)
    values = list(_assigned(module, name, None))
    if values:
        return _follow(module, values[0], name, hops - 1) if len(values) == 1 else None
    return _imported(module, node, hops)


def _assigned(module: Module, name: str, function: Node | None) -> Iterator[Node | None]:
    """The values a name gets in one scope; None for a value that cannot be followed."""
    for use in module.names.get(name, ()):
        if function_of(use) != function or _in_class(use, function):
            continue
        parent = use.parent
        if parent is None:
            continue
        if parent.type == "assignment" and parent.child_by_field_name("left") == use:
            yield parent.child_by_field_name("right")
        elif (
            parent.type in ("augmented_assignment", "for_statement", "for_in_clause")
            and parent.child_by_field_name("left") == use
        ) or parent.type in ("pattern_list", "tuple_pattern", "as_pattern_target"):
            yield None


def _in_class(node: Node, function: Node | None) -> bool:
    current = node.parent
    while current is not None and current != function:
        if current.type == "class_definition":
            return True
        current = current.parent
    return False


def _parameter(module: Module, function: Node, name: str) -> Node | None:
    parameters = function.child_by_field_name("parameters")
    for child in parameters.named_children if parameters is not None else ():
        label = child.child_by_field_name("name")
        if label is None and child.type == "typed_parameter":
            label = child.named_children[0]
        if module.text(label if label is not None else child) == name:
            return child
    return None


def _argument(
    module: Module, function: Node, parameter: Node, name: str, hops: int
) -> Literal | None:
    """What a parameter gets: from its only caller in this file, or its default."""
    flags, default = _click_option(module, function, name)
    if flags:
        return _option(module, flags, default, 0)
    given = list(arguments_for(module, function, parameter, name))
    if len(given) == 1:
        return _follow(module, given[0], name, hops)
    if given or _called_elsewhere(module, function):
        return None
    return _follow(module, parameter.child_by_field_name("value"), name, hops)


def arguments_for(
    module: Module, function: Node, parameter: Node, name: str
) -> Iterator[Node | None]:
    """What each call in this file passes for a parameter; None when it cannot be told.

    Calls that leave the parameter at its default yield nothing.
    """
    label = function.child_by_field_name("name")
    owner = _owner_class(function)
    if label is None:
        return
    called = module.text(label)
    parameters = function.child_by_field_name("parameters")
    order = [p for p in parameters.named_children if p.type != "comment"] if parameters else []
    index = order.index(parameter)
    if owner is not None:
        index -= 1  # self
        if called == "__init__":
            class_name = owner.child_by_field_name("name")
            called = module.text(class_name) if class_name is not None else called
    for call in module.calls:
        if module.text(call.function).rpartition(".")[2] != called:
            continue
        if call.open:
            yield None
        else:
            value = call.value(name, index)
            if value is not None:
                yield value


def _called_elsewhere(module: Module, function: Node) -> bool:
    """True when another file of the repository imports this function or its class."""
    owner = _owner_class(function)
    label = (owner or function).child_by_field_name("name")
    name = module.text(label) if label is not None else ""
    for path in module.project.paths:
        if path == module.path or not path.endswith(".py"):
            continue
        other = module.project.module(path)
        if other is not None and name in {
            i.dotted.rpartition(".")[2] for i in other.bindings.imported
        }:
            return True
    return False


def _owner_class(function: Node) -> Node | None:
    parent = function.parent
    if parent is not None and parent.type == "decorated_definition":
        parent = parent.parent
    owner = parent.parent if parent is not None and parent.type == "block" else None
    return owner if owner is not None and owner.type == "class_definition" else None


def _imported(module: Module, node: Node, hops: int) -> Literal | None:
    """A constant of another file of the repository: `from config import LR`, `config.LR`."""
    home, _, name = module.bindings.resolve(node).rpartition(".")
    other = module.project.find(home, module.path) if home else None
    if other is None or other is module:
        return None
    values = list(_assigned(other, name, None))
    return _follow(other, values[0], name, hops - 1) if len(values) == 1 else None


# ------------------------------------------------------------------ settings objects


def _attribute(module: Module, node: Node, hops: int) -> Literal | None:
    owner, label = node.child_by_field_name("object"), node.child_by_field_name("attribute")
    if owner is None or label is None or owner.type != "identifier":
        return None
    imported = _imported(module, node, hops)
    if imported is not None:
        return imported
    name = module.text(label)
    if module.text(owner) in ("self", "cls") or _is_set(module, name):
        return None
    options = list(_argparse_defaults(module, name))
    fields = list(_fields(module, name))
    if len(options) + len(fields) != 1:
        return None
    if fields:
        return _follow(module, fields[0], name, hops - 1)
    flags, value = options[0]
    return _option(module, flags, value, hops - 1)


def _is_set(module: Module, name: str) -> bool:
    """True when `something.name = …` stands in the file: the default is not the last word."""
    return any(
        node.type in ("assignment", "augmented_assignment")
        and (left := node.child_by_field_name("left")) is not None
        and left.type == "attribute"
        and module.text(left).endswith("." + name)
        and not module.text(left).startswith("self.")
        for node in module.nodes
    )


def _argparse_defaults(module: Module, dest: str) -> Iterator[tuple[str, Node | None]]:
    if not module.bindings.uses("argparse"):
        return
    for call in module.calls:
        if not module.text(call.function).endswith(".add_argument") or not call.positional:
            continue
        flags = [_string(module, p) for p in call.positional]
        long = next((f for f in flags if f.startswith("--")), flags[0])
        given = call.value("dest")
        name = _string(module, given) if given is not None else long.lstrip("-").replace("-", "_")
        if name == dest:
            # All spellings matter to the command line: `-e 5` overrides `--epochs`.
            yield " ".join(f for f in flags if f.startswith("-")), call.value("default")


def _fields(module: Module, name: str) -> Iterator[Node | None]:
    """Class-level fields of that name, unless a constructor call passes another value."""
    for use in module.names.get(name, ()):
        statement = use.parent
        if statement is None or statement.type != "assignment":
            continue
        if statement.child_by_field_name("left") != use or not _in_class(use, None):
            continue
        if function_of(use) is not None:
            continue
        passed = any(name in call.keywords for call in _constructions(module, use))
        yield None if passed else statement.child_by_field_name("right")


def _constructions(module: Module, field: Node) -> Iterator[Call]:
    owner: Node | None = field
    while owner is not None and owner.type != "class_definition":
        owner = owner.parent
    label = owner.child_by_field_name("name") if owner is not None else None
    name = module.text(label) if label is not None else ""
    for call in module.calls:
        if module.text(call.function).split(".")[0] in (name, "replace", "dataclasses"):
            yield call


def _subscript(module: Module, node: Node, hops: int) -> Literal | None:
    """`config["lr"]`, where `config` is one dict display or `dict(...)` call."""
    owner, key = node.child_by_field_name("value"), node.child_by_field_name("subscript")
    if owner is None or key is None or owner.type != "identifier" or key.type != "string":
        return None
    name, wanted = module.text(owner), _string(module, key)
    values = [
        value
        for function in dict.fromkeys((function_of(node), None))
        for value in _assigned(module, name, function)
    ]
    if len(values) != 1 or values[0] is None or _item_is_set(module, name):
        return None
    display = values[0]
    if display.type == "dictionary":
        for pair in display.named_children:
            pair_key = pair.child_by_field_name("key")
            if pair_key is not None and _string(module, pair_key) == wanted:
                return _follow(module, pair.child_by_field_name("value"), wanted, hops - 1)
    call = module.call(display)
    if call is not None and module.text(call.function) == "dict" and not call.open:
        return _follow(module, call.value(wanted), wanted, hops - 1)
    return None


def _item_is_set(module: Module, name: str) -> bool:
    for node in module.nodes:
        if node.type == "assignment":
            left = node.child_by_field_name("left")
            if left is not None and left.type == "subscript":
                owner = left.child_by_field_name("value")
                if owner is not None and module.text(owner) == name:
                    return True
    return any(module.text(call.function) == f"{name}.update" for call in module.calls)


def _click_option(module: Module, function: Node, name: str) -> tuple[str, Node | None]:
    """The flags and the default of the click option behind a parameter; ('', None) if none."""
    parent = function.parent
    if parent is None or parent.type != "decorated_definition":
        return "", None
    for call in module.calls_in(parent):
        if contains(function, call.node) or call.dotted != "click.option":
            continue
        flags = [_string(module, p) for p in call.positional]
        if name in [f.lstrip("-").replace("-", "_") for f in flags]:
            return " ".join(f for f in flags if f.startswith("-")), call.value("default")
    return "", None


def _long(flags: str) -> str:
    words = flags.split()
    return next((w for w in words if w.startswith("--")), words[0] if words else "")


def defaults_of(module: Module, function: Node) -> Iterator[tuple[str, Node]]:
    """The parameters of a function that have a default, with the default."""
    parameters = function.child_by_field_name("parameters")
    for child in parameters.named_children if parameters is not None else ():
        label, value = child.child_by_field_name("name"), child.child_by_field_name("value")
        if label is not None and value is not None:
            yield module.text(label), value


def _string(module: Module, node: Node | None) -> str:
    if node is None or node.type != "string":
        return ""
    return "".join(module.text(c) for c in node.named_children if c.type == "string_content")
