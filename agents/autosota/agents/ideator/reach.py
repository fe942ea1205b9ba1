"""Code that this experiment never runs: classes behind a branch that its options do not take.

`CNN() if args.model == "cnn" else MLP()` leaves `MLP` idle when the command line (or the
option's default) says `cnn`. Only plain comparisons with a string and dictionaries of
choices are read; whatever is not certain counts as running.
"""

from __future__ import annotations

from tree_sitter import Node

from autosota.agents.ideator.knobs import find_word
from autosota.agents.ideator.module import Module, contains


def is_idle(module: Module, node: Node) -> bool:
    """True when a node lies in a class of the file that the experiment never constructs."""
    top = node
    while top.parent is not None and top.parent.type != "module":
        top = top.parent
    definition = top.child_by_field_name("definition") or top
    label = definition.child_by_field_name("name")
    if definition.type != "class_definition" or label is None:
        return False
    name = module.text(label)
    uses = [
        (near, use)
        for near in module.neighbours
        if near is module or near.bindings.local_for(_dotted(near, name))
        for use in near.names.get(name, ())
        if not (near is module and contains(top, use)) and not _is_mention(use)
    ]
    return bool(uses) and all(_is_excluded(near, use) for near, use in uses)


def _dotted(module: Module, name: str) -> str:
    return next((i.dotted for i in module.bindings.imported if i.local == name), "")


def _is_mention(node: Node) -> bool:
    """True in imports and annotations, which construct nothing."""
    current: Node | None = node
    while current is not None:
        if current.type in ("import_from_statement", "import_statement", "type"):
            return True
        current = current.parent
    return False


def _is_excluded(module: Module, use: Node) -> bool:
    child, parent = use, use.parent
    while parent is not None:
        if _is_skipped(module, parent, child):
            return True
        child, parent = parent, parent.parent
    return False


def _is_skipped(module: Module, parent: Node, child: Node) -> bool:
    """True when the experiment does not take the way from a node to this child of it."""
    if parent.type == "conditional_expression" and parent.named_child_count == 3:
        body, condition, other = parent.named_children
        truth = _truth(module, condition)
        return (child == body and truth is False) or (child == other and truth is True)
    if parent.type == "if_statement":
        return _branch_not_taken(module, parent, child)
    return parent.type == "dictionary" and _not_chosen(module, parent, child)


def _branch_not_taken(module: Module, statement: Node, branch: Node) -> bool:
    """True when an earlier branch of the `if` is taken, or this one's condition is false."""
    truth = _truth(module, statement.child_by_field_name("condition"))
    if branch == statement.child_by_field_name("consequence"):
        return truth is False
    for clause in statement.children_by_field_name("alternative"):
        if truth is True:
            return True
        if clause.type == "elif_clause":
            truth = _truth(module, clause.child_by_field_name("condition"))
        if clause == branch:
            return clause.type == "elif_clause" and truth is False
    return False


def _truth(module: Module, condition: Node | None) -> bool | None:
    """What `option == "word"` comes to in this experiment, or None."""
    if condition is None or condition.type != "comparison_operator":
        return None
    if len(condition.children) != 3 or module.text(condition.children[1]) not in ("==", "!="):
        return None
    words = [find_word(module, node) for node in condition.named_children]
    if len(words) != 2 or words[0] is None or words[1] is None:
        return None
    return (words[0] == words[1]) == (module.text(condition.children[1]) == "==")


def _not_chosen(module: Module, display: Node, pair: Node) -> bool:
    """True for an entry of `{"cnn": CNN, "mlp": MLP}[option]` that the option does not name."""
    key = pair.child_by_field_name("key") if pair.type == "pair" else None
    if key is None or key.type != "string":
        return False
    word = find_word(module, _index_of(module, display))
    return word is not None and find_word(module, key) != word


def _index_of(module: Module, display: Node) -> Node | None:
    """The expression that picks from a dict display, at once or through its one name."""
    parent = display.parent
    if parent is not None and parent.type == "subscript":
        return parent.child_by_field_name("subscript")
    left = parent.child_by_field_name("left") if parent is not None else None
    if parent is None or parent.type != "assignment" or left is None:
        return None
    picks = [
        use.parent
        for use in module.names.get(module.text(left), ())
        if use != left and use.parent is not None
    ]
    if len(picks) != 1 or picks[0].type != "subscript":
        return None
    return picks[0].child_by_field_name("subscript")
