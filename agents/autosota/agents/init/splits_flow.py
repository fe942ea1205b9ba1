"""The statements of one function in order: what each reads, binds and changes.

Enough to follow rows from where they are loaded to a number, and back. Names only: attributes
and items of objects count as the object. Other functions are not entered. What rows are for is
not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from autosota.agents.ideator.module import Module, contains
from autosota.agents.init.wordlist import words_in

CHANGING = words_in(
    "append extend add update insert fit partial_fit fit_transform setdefault load_state_dict"
)
"""Methods that put their arguments into their object."""
FITS = ("fit", "partial_fit", "fit_transform", "fit_predict", "fit_resample", "fit_generator")

_COMPOUND = ("if_statement", "for_statement", "while_statement", "with_statement", "try_statement")
_UNITS = ("for_statement", "while_statement", "if_statement")
"""Coloured heads take all that they hold with them: a loop over test rows, a test of a score."""
_CLAUSES = ("elif_clause", "else_clause", "except_clause", "finally_clause", "except_group_clause")
_SKIPPED = (
    "function_definition", "class_definition", "decorated_definition", "comment",
    "import_statement", "import_from_statement", "future_import_statement",
)  # fmt: skip
_PATTERNS = ("pattern_list", "tuple_pattern", "list_pattern", "tuple", "list_splat_pattern")


class NotUnderstood(Exception):
    """The code has a shape that is not followed; the message says which, in one line."""


@dataclass(frozen=True, slots=True)
class Access:
    """Names that code reads, reads before it binds them (`exposed`), binds, changes, touches.

    `changed` objects take up what they are given (`append`, `fit`); `touched` ones may change.
    """

    reads: frozenset[str]
    exposed: frozenset[str]
    binds: frozenset[str]
    changed: frozenset[str]
    touched: frozenset[str]

    @property
    def writes(self) -> frozenset[str]:
        """Names whose value may be another one afterwards."""
        return self.binds | self.changed | self.touched


@dataclass(frozen=True, slots=True)
class Entry:
    """A statement, or the head of a compound one, in the block it stands in."""

    node: Node
    block: Node
    access: Access
    head: bool

    @property
    def line(self) -> int:
        """Its first line, from 1."""
        return self.node.start_point.row + 1


@dataclass(frozen=True, slots=True)
class Mark:
    """What a colour has reached at one entry: names before it, and whether the entry reads one.

    `inside` is true in a compound statement that is coloured as a whole.
    """

    before: frozenset[str]
    coloured: bool
    inside: bool


def access(module: Module, nodes: Iterable[Node]) -> Access:
    """What pieces of code do to names, executed one after another."""
    reads: set[str] = set()
    exposed: set[str] = set()
    binds: set[str] = set()
    changed: set[str] = set()
    touched: set[str] = set()
    for node in nodes:
        for kind, name in _events(module, node):
            if kind == "read":
                reads.add(name)
                if name not in binds:
                    exposed.add(name)
            else:
                {"bind": binds, "change": changed, "touch": touched}[kind].add(name)
    return Access(*map(frozenset, (reads, exposed, binds, changed, touched)))


def names_in(module: Module, node: Node) -> frozenset[str]:
    """The variables that an expression reads."""
    return access(module, [node]).reads


def pattern_names(module: Module, node: Node) -> list[str]:
    """The names of an assignment's left side, in order; '' for what is no name."""
    if node.type in _PATTERNS:
        return [n for child in node.named_children for n in pattern_names(module, child)]
    return [module.text(node) if node.type == "identifier" else ""]


class Flow:
    """The statements of one function, or of a module outside its functions."""

    def __init__(self, module: Module, function: Node | None) -> None:
        self.module = module
        self.function = function
        body = module.source.root if function is None else function.child_by_field_name("body")
        self.entries: list[Entry] = list(self._flatten(body)) if body is not None else []

    def index_of(self, statement: Node) -> int:
        """The position of a statement.

        Raises:
            NotUnderstood: it is not among the statements.
        """
        for index, entry in enumerate(self.entries):
            if entry.node == statement:
                return index
        line = statement.start_point.row + 1
        raise NotUnderstood(f"{self.module.path}:{line}: this statement is not followed")

    def slice(self, names: Iterable[str], before: int) -> frozenset[int]:
        """The entries before a position (or in a loop around it) that names may depend on."""
        needed = set(names)
        chosen: set[int] = set()
        size = -1
        while size != len(chosen) + len(needed):
            size = len(chosen) + len(needed)
            for index in range(len(self.entries) - 1, -1, -1):
                entry = self.entries[index]
                if index > before and not self._same_loop(index, before):
                    continue
                holds = entry.head and any(
                    contains(entry.node, self.entries[i].node) for i in chosen if i != index
                )
                if holds or entry.access.writes & needed:
                    chosen.add(index)
                    needed |= entry.access.reads
        return frozenset(chosen)

    def spread(
        self,
        sources: Mapping[int, frozenset[str]],
        carries: Callable[[Entry], bool] | None = None,
    ) -> list[Mark]:
        """How a colour spreads from names that entries bind (-1: that are there at the start).

        An entry for which `carries` is false reads the colour and does not hand it on. The
        last mark is that of the end.
        """
        marks: list[Mark] = []
        loops: dict[int, frozenset[str]] = {}
        for _ in range(2):  # the second pass knows what the end of a loop brings to its start
            marks = list(self._pass(sources, loops, carries))
            for index, entry in enumerate(self.entries):
                if entry.node.type in ("for_statement", "while_statement"):
                    last = max(
                        i for i, e in enumerate(self.entries) if contains(entry.node, e.node)
                    )
                    end = marks[last + 1].before if last + 1 < len(marks) else marks[-1].before
                    loops[index] = end
        return marks

    def _pass(
        self,
        sources: Mapping[int, frozenset[str]],
        loops: Mapping[int, frozenset[str]],
        carries: Callable[[Entry], bool] | None,
    ) -> Iterator[Mark]:
        colour: dict[str, Node | None] = dict.fromkeys(sources.get(-1, ()))
        whole: Node | None = None
        for index, entry in enumerate(self.entries):
            colour |= {n: entry.block for n in loops.get(index, ()) if n not in colour}
            inside = whole is not None and contains(whole, entry.node)
            before = frozenset(colour)
            if index in sources:
                yield Mark(before, False, inside)
                colour |= dict.fromkeys(sources[index], entry.block)
                continue
            coloured = inside or bool(entry.access.reads & before)
            yield Mark(before, coloured, inside)
            if coloured and not inside and entry.node.type in _UNITS:
                whole = entry.node
            names = entry.access.binds | entry.access.changed
            if carries is not None and coloured and not carries(entry):
                names = frozenset()
            if coloured:
                colour |= dict.fromkeys(names, entry.block)
            for name in () if coloured else entry.access.binds - entry.access.reads:
                if name in colour and _surely_after(entry, colour[name]):
                    del colour[name]
        yield Mark(frozenset(colour), False, False)

    def _same_loop(self, one: int, other: int) -> bool:
        first, second = self.entries[one].node, self.entries[other].node
        return any(
            contains(e.node, first) and contains(e.node, second)
            for e in self.entries
            if e.node.type in ("for_statement", "while_statement")
        )

    def _flatten(self, block: Node) -> Iterator[Entry]:
        for node in block.named_children:
            if node.type in _SKIPPED:
                continue
            if node.type not in _COMPOUND:
                yield Entry(node, block, access(self.module, [node]), False)
                continue
            heads, blocks = _parts(node)
            order = sorted(heads, key=lambda h: h == node.child_by_field_name("left"))
            yield Entry(node, block, _head_access(self.module, node, order), True)
            for inner in blocks:
                yield from self._flatten(inner)


def fits_in(module: Module, node: Node) -> list[Node]:
    """The calls in a piece of code that fit something, by the name of the method."""
    return list(_is_fit(module, node))


def _is_fit(module: Module, node: Node) -> Iterator[Node]:
    for call in module.calls_in(node):
        attribute = call.function.child_by_field_name("attribute")
        if attribute is not None and module.text(attribute) in FITS:
            yield call.node


def _surely_after(entry: Entry, block: Node | None) -> bool:
    """True unless a branch around the entry, and not around the block, may not be taken."""
    node: Node | None = entry.block
    while node is not None and node.type not in ("function_definition", "module"):
        if block is not None and node.type == "block" and contains(node, block):
            return True
        if node.type in ("if_statement", "try_statement", *_CLAUSES):
            return False
        node = node.parent
    return True


def _parts(node: Node) -> tuple[list[Node], list[Node]]:
    heads: list[Node] = []
    blocks: list[Node] = []
    for child in node.named_children:
        if child.type == "block":
            blocks.append(child)
        elif child.type in _CLAUSES:
            inner_heads, inner_blocks = _parts(child)
            heads += inner_heads
            blocks += inner_blocks
        elif child.type != "comment":
            heads.append(child)
    return heads, blocks


def _head_access(module: Module, node: Node, heads: Sequence[Node]) -> Access:
    found = access(module, heads)
    if node.type != "for_statement":
        return found
    left = node.child_by_field_name("left")
    names = frozenset(n for n in pattern_names(module, left) if n) if left is not None else set()
    right = node.child_by_field_name("right")
    reads = access(module, [right] if right is not None else []).reads
    return Access(reads, reads, found.binds | names, found.changed, found.touched)


# ------------------------------------------------------------------ names in order of evaluation


def _events(module: Module, node: Node) -> Iterator[tuple[str, str]]:
    kind = node.type
    if kind == "identifier":
        if not module.bindings.resolve(node):  # an import is no variable
            yield "read", module.text(node)
    elif kind in ("assignment", "augmented_assignment", "named_expression", "for_statement"):
        left = node.child_by_field_name("left") or node.child_by_field_name("name")
        right = node.child_by_field_name("right") or node.child_by_field_name("value")
        if kind == "augmented_assignment" and left is not None:
            yield from _events(module, left)
        if right is not None:
            yield from _events(module, right)
        if left is not None:
            yield from _targets(module, left)
        for name in ("body", "alternative") if kind == "for_statement" else ():
            part = node.child_by_field_name(name)
            if part is not None:
                yield from _events(module, part)
    elif kind == "for_in_clause":
        right = node.child_by_field_name("right")
        left = node.child_by_field_name("left")
        yield from _events(module, right) if right is not None else ()
        yield from _targets(module, left) if left is not None else ()
    elif kind == "as_pattern":
        for child in node.named_children:
            target = child.type == "as_pattern_target"
            yield from _targets(module, child) if target else _events(module, child)
    elif kind in ("lambda", "function_definition", "class_definition"):
        yield from _free(module, node)
    elif kind.endswith("_comprehension") or kind == "generator_expression":
        body = node.child_by_field_name("body")
        for child in node.named_children:
            if child != body:
                yield from _events(module, child)
        if body is not None:
            yield from _events(module, body)
    elif kind == "attribute":
        owner = node.child_by_field_name("object")
        yield from _events(module, owner) if owner is not None else ()
    elif kind == "keyword_argument":
        value = node.child_by_field_name("value")
        yield from _events(module, value) if value is not None else ()
    elif kind == "type":
        return
    else:
        for child in node.named_children:
            yield from _events(module, child)
        if kind == "call":
            yield from _effects(module, node)


def _targets(module: Module, node: Node) -> Iterator[tuple[str, str]]:
    if node.type == "identifier":
        yield "bind", module.text(node)
    elif node.type in ("subscript", "attribute"):
        yield from _events(module, node)
        owner: Node | None = node
        while owner is not None and owner.type in ("subscript", "attribute"):
            owner = owner.child_by_field_name("value") or owner.child_by_field_name("object")
        if owner is not None and owner.type == "identifier":
            yield "change", module.text(owner)
    else:
        for child in node.named_children:
            yield from _targets(module, child)


def _effects(module: Module, node: Node) -> Iterator[tuple[str, str]]:
    call = module.call(node)
    if call is None or call.dotted:
        return
    if call.function.type == "attribute":
        owner = call.function.child_by_field_name("object")
        method = call.function.child_by_field_name("attribute")
        if owner is not None and owner.type == "identifier" and method is not None:
            changes = module.text(method) in CHANGING
            yield "change" if changes else "touch", module.text(owner)
    if call.function.type == "identifier" and module.text(call.function) not in _QUIET:
        for argument in call.positional:
            if argument.type == "identifier":
                yield "touch", module.text(argument)


_QUIET = words_in("print len int float str round sum max min sorted list tuple set range zip")


def _free(module: Module, node: Node) -> Iterator[tuple[str, str]]:
    """What a nested function reads from outside it; its own names are its own."""
    own: set[str] = set()
    for field in ("parameters",):
        parameters = node.child_by_field_name(field)
        if parameters is not None:
            own |= {
                module.text(n) for n in module.source.walk(parameters) if n.type == "identifier"
            }
    body = node.child_by_field_name("body")
    inner = access(module, [body]) if body is not None else None
    for name in sorted(inner.exposed - own) if inner is not None else ():
        yield "read", name
    label = node.child_by_field_name("name")
    if label is not None:
        yield "bind", module.text(label)
