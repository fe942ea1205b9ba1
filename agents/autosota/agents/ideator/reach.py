"""Code that this experiment never runs: functions and classes that nothing live mentions.

Live is what stands outside all definitions of the files that the command reaches, and every
definition that live code names. A branch that the command's options do not take names
nothing: `CNN() if args.model == "cnn" else MLP()` leaves `MLP` idle when the option says
`cnn`. Names are followed by text, so an idle definition is surely idle, short of reflection;
where a file looks names up at run time, everything counts as live.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property

from tree_sitter import Node

from autosota.agents.ideator.knobs import find_word
from autosota.agents.ideator.module import Module

_REFLECTION = re.compile(
    rb"(?<![.\w])(getattr|globals|locals|vars|eval|exec)\s*\(|__dict__|\bimport fire\b"
)
_DEFINITIONS = ("function_definition", "class_definition")


class Reach:
    """The live definitions of the files that a command reaches."""

    def __init__(self, modules: Sequence[Module], entries: Collection[str]) -> None:
        self._entries = entries
        self._modules = {module.path: module for module in modules}

    def is_idle(self, module: Module, node: Node) -> bool:
        """True when a node lies in a definition that the experiment surely never uses."""
        top = node
        while top.parent is not None and top.parent.type != "module":
            top = top.parent
        if self._live is None or top.type not in _DEFINITIONS or module.path not in self._modules:
            return False
        return (module.path, _name(module, top)) not in self._live

    @cached_property
    def _live(self) -> frozenset[tuple[str, str]] | None:
        """Pairs of path and name; None when names are looked up at run time."""
        if any(_REFLECTION.search(m.source.content) for m in self._modules.values()):
            return None
        live: set[tuple[str, str]] = set()
        queue: list[tuple[Module, Node]] = []
        for module in self._modules.values():
            queue += [(module, child) for child in self._run_on_import(module)]
        while queue:
            module, node = queue.pop()
            for found in self._named(module, node):
                for definition in self._definitions[found]:
                    if found not in live:
                        queue.append((self._modules[found[0]], definition))
                live.add(found)
        return frozenset(live)

    def _run_on_import(self, module: Module) -> Iterator[Node]:
        for child in module.source.root.named_children:
            condition = child.child_by_field_name("condition")
            guard = module.text(condition) if condition is not None else ""
            if "__main__" in guard and module.path not in self._entries:
                continue
            if child.type not in _DEFINITIONS:
                yield child

    @cached_property
    def _definitions(self) -> dict[tuple[str, str], list[Node]]:
        """The top-level functions and classes, by path and name."""
        found: dict[tuple[str, str], list[Node]] = {}
        for module in self._modules.values():
            for child in module.source.root.named_children:
                if child.type in _DEFINITIONS:
                    found.setdefault((module.path, _name(module, child)), []).append(child)
        return found

    @cached_property
    def _homes(self) -> dict[str, list[tuple[str, str]]]:
        """Where each name is defined."""
        homes: dict[str, list[tuple[str, str]]] = {}
        for path, name in self._definitions:
            homes.setdefault(name, []).append((path, name))
        return homes

    def _named(self, module: Module, node: Node) -> Iterator[tuple[str, str]]:
        """The definitions that a piece of code may mean, this file's own before others'."""
        for use in module.source.walk(node):
            name = module.text(use) if use.type == "identifier" else ""
            if name not in self._homes or _is_mention(use) or _is_excluded(module, use):
                continue
            own = (module.path, name)
            attribute = use.parent is not None and use.parent.type == "attribute"
            if own in self._definitions and not attribute:
                yield own
            else:
                yield from self._homes[name]


def _name(module: Module, definition: Node) -> str:
    label = definition.child_by_field_name("name")
    return module.text(label) if label is not None else ""


def _is_mention(node: Node) -> bool:
    """True in imports and annotations, which run nothing, and in `name=` of a call."""
    parent = node.parent
    if parent is not None and parent.type == "keyword_argument":
        return parent.child_by_field_name("name") == node
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
