"""The small tree that rules read: statements and expressions, lowered once per top-level unit.

A node knows the unit (top-level statement) it stands in and its bytes relative to that unit, so
a unit that only moved keeps its tree. What the names mean is not known here (`names`), nor what
the values are (`flow`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Sequence as Sequence_
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any


@dataclass(slots=True, eq=False)
class Unit:
    """One top-level statement of the virtual text.

    Attributes:
        offset: Byte at which it starts now; changes when text above it is edited.
        text: Its bytes.
        shape: Its kind in the grammar; of a broken one, which of its chunk it is, too.
        broken: It holds a syntax error: what is not seen in it is unknown, not absent.
        within: Of a broken one, the chunk that was parsed: what stands around broken text
            decides how it is read.
    """

    offset: int
    text: bytes
    shape: str
    broken: bool = False
    within: bytes = b""
    _lower: Callable[[Unit], tuple[Stmt, ...]] | None = None
    _body: tuple[Stmt, ...] = ()

    @property
    def body(self) -> tuple[Stmt, ...]:
        """Its statement, as a tuple of one, empty when nothing; lowered on first use."""
        if self._lower is not None:
            self._body = self._lower(self)
            self._lower = None
        return self._body

    def close(self) -> None:
        """Let go of its nodes, which point back here, without a collector's help."""
        self._lower, self._body = None, ()


@dataclass(slots=True, eq=False)
class Node:
    """Bytes `start` to `end` of a unit."""

    unit: Unit
    start: int
    end: int


@dataclass(slots=True, eq=False)
class Expr(Node):
    """An expression."""


@dataclass(slots=True, eq=False)
class Stmt(Node):
    """A statement; `flat` are its expressions, once asked for."""

    flat: tuple[Expr, ...] | None = field(default=None, init=False, repr=False, kw_only=True)


@dataclass(slots=True, eq=False)
class Name(Expr):
    """`id`."""

    id: str


@dataclass(slots=True, eq=False)
class Const(Expr):
    """A literal: `str`, `bytes`, `int`, `float`, `complex`, `bool`, `None` or `...`."""

    value: object


@dataclass(slots=True, eq=False)
class Attribute(Expr):
    """`value.attr`."""

    value: Expr
    attr: str


@dataclass(slots=True, eq=False)
class Subscript(Expr):
    """`value[index]`; several indices are one `Sequence` of kind `tuple`."""

    value: Expr
    index: Expr


@dataclass(slots=True, eq=False)
class Slice(Expr):
    """`lower:upper:step` inside a subscript."""

    lower: Expr | None
    upper: Expr | None
    step: Expr | None


@dataclass(slots=True, eq=False)
class Call(Expr):
    """`func(*args, **keywords)`. A keyword of None is `**value`; `*x` is a `Starred`."""

    func: Expr
    args: tuple[Expr, ...]
    keywords: tuple[tuple[str | None, Expr], ...]

    def keyword(self, name: str) -> Expr | None:
        """The argument given by this keyword, or None."""
        for key, value in self.keywords:
            if key == name:
                return value
        return None

    def argument(self, position: int, name: str) -> Expr | None:
        """The argument at this position or by this keyword, or None."""
        if position < len(self.args) and not isinstance(self.args[position], Starred):
            return self.args[position]
        return self.keyword(name)


@dataclass(slots=True, eq=False)
class Sequence(Expr):
    """`kind` is `tuple`, `list` or `set`."""

    kind: str
    elts: tuple[Expr, ...]


@dataclass(slots=True, eq=False)
class Dict(Expr):
    """A key of None is `**value`."""

    items: tuple[tuple[Expr | None, Expr], ...]


@dataclass(slots=True, eq=False)
class Binary(Expr):
    """`left op right`; also `and` and `or`."""

    op: str
    left: Expr
    right: Expr


@dataclass(slots=True, eq=False)
class Unary(Expr):
    """`op operand`: `-`, `+`, `~`, `not`."""

    op: str
    operand: Expr


@dataclass(slots=True, eq=False)
class Compare(Expr):
    """`operands[0] ops[0] operands[1] ops[1] …`, ops such as `<`, `==`, `not in`, `is`."""

    ops: tuple[str, ...]
    operands: tuple[Expr, ...]


@dataclass(slots=True, eq=False)
class Choice(Expr):
    """`body if test else orelse`."""

    test: Expr
    body: Expr
    orelse: Expr


@dataclass(slots=True, eq=False)
class Param:
    """One parameter. `kind` is ``''``, `*` or `**`."""

    name: str
    default: Expr | None = None
    kind: str = ""


@dataclass(slots=True, eq=False)
class Lambda(Expr):
    """`lambda params: body`."""

    params: tuple[Param, ...]
    body: Expr


@dataclass(slots=True, eq=False)
class Comprehension(Expr):
    """`kind` is `list`, `set`, `dict` or `generator`; `element` is the value of a dict's item."""

    kind: str
    key: Expr | None
    element: Expr
    loops: tuple[tuple[Expr, Expr], ...]
    conditions: tuple[Expr, ...]


@dataclass(slots=True, eq=False)
class Formatted(Expr):
    """An f-string: its literal text with `{}` for each part, and the parts."""

    text: str
    parts: tuple[Expr, ...]


@dataclass(slots=True, eq=False)
class Starred(Expr):
    """`*value`, or `**value` outside calls."""

    value: Expr


@dataclass(slots=True, eq=False)
class Walrus(Expr):
    """`name := value`."""

    name: str
    value: Expr


@dataclass(slots=True, eq=False)
class Wrapped(Expr):
    """`await value`, `yield value`, `yield from value`; `kind` says which."""

    kind: str
    value: Expr | None


@dataclass(slots=True, eq=False)
class Unknown(Expr):
    """Something not understood, or nested too deeply: nothing is known of it."""


@dataclass(slots=True, eq=False)
class Assign(Stmt):
    """`targets[0] = targets[1] = value`. `value` is None for a bare annotation.

    `op` is ``''`` for `=`, else the operator of an augmented assignment (`+`).
    """

    targets: tuple[Expr, ...]
    value: Expr | None
    op: str = ""
    annotation: Expr | None = None


@dataclass(slots=True, eq=False)
class Evaluate(Stmt):
    """An expression as a statement."""

    value: Expr


@dataclass(slots=True, eq=False)
class Import(Stmt):
    """Pairs of local name and dotted name; `*` binds everything of a module."""

    names: tuple[tuple[str, str], ...]


@dataclass(slots=True, eq=False)
class If(Stmt):
    """`elif` is an `If` in `orelse`. A `match` is a chain of these with an unknown test."""

    test: Expr
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]


@dataclass(slots=True, eq=False)
class For(Stmt):
    """`for target in iterable`."""

    target: Expr
    iterable: Expr
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]


@dataclass(slots=True, eq=False)
class While(Stmt):
    """`while test`."""

    test: Expr
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]


@dataclass(slots=True, eq=False)
class Handler(Node):
    """`except kinds as name: body`; kinds is None for a bare `except`."""

    kinds: Expr | None
    name: str
    body: tuple[Stmt, ...]


@dataclass(slots=True, eq=False)
class Try(Stmt):
    """`try` with its handlers."""

    body: tuple[Stmt, ...]
    handlers: tuple[Handler, ...]
    orelse: tuple[Stmt, ...]
    final: tuple[Stmt, ...]


@dataclass(slots=True, eq=False)
class With(Stmt):
    """`with value as target, …`."""

    items: tuple[tuple[Expr, Expr | None], ...]
    body: tuple[Stmt, ...]


@dataclass(slots=True, eq=False)
class Function(Stmt):
    """`def name(params)`."""

    name: str
    params: tuple[Param, ...]
    body: tuple[Stmt, ...]
    decorators: tuple[Expr, ...]


@dataclass(slots=True, eq=False)
class Class(Stmt):
    """`class name(bases)`."""

    name: str
    bases: tuple[Expr, ...]
    body: tuple[Stmt, ...]
    decorators: tuple[Expr, ...]


@dataclass(slots=True, eq=False)
class Return(Stmt):
    """`return value`."""

    value: Expr | None


@dataclass(slots=True, eq=False)
class Raise(Stmt):
    """`raise value`."""

    value: Expr | None


@dataclass(slots=True, eq=False)
class Assert(Stmt):
    """`assert test`."""

    test: Expr


@dataclass(slots=True, eq=False)
class Delete(Stmt):
    """`del targets`."""

    targets: tuple[Expr, ...]


@dataclass(slots=True, eq=False)
class Jump(Stmt):
    """`break`, `continue` or `pass`."""

    kind: str


@dataclass(slots=True, eq=False)
class Global(Stmt):
    """`global names` or `nonlocal names`."""

    names: tuple[str, ...]


@dataclass(slots=True, eq=False)
class Broken(Stmt):
    """A region that does not parse: whatever stands there is unknown."""


def _call(node: Call) -> list[Expr]:
    if node.keywords:
        return [node.func, *node.args, *(value for _, value in node.keywords)]
    return [node.func, *node.args]


def _dict(node: Dict) -> list[Expr]:
    return [e for pair in node.items for e in pair if e is not None]


def _comprehension(node: Comprehension) -> list[Expr]:
    found = [e for target, iterable in node.loops for e in (iterable, target)]
    found += node.conditions
    if node.key is not None:
        found.append(node.key)
    found.append(node.element)
    return found


def _defaults(params: tuple[Param, ...]) -> list[Expr]:
    return [p.default for p in params if p.default is not None]


def _maybe(*nodes: Expr | None) -> list[Expr]:
    return [n for n in nodes if n is not None]


_PARTS: dict[type, Callable[[Any], Iterable[Expr]]] = {
    Attribute: lambda n: (n.value,),
    Starred: lambda n: (n.value,),
    Walrus: lambda n: (n.value,),
    Call: _call,
    Subscript: attrgetter("value", "index"),
    Sequence: attrgetter("elts"),
    Binary: attrgetter("left", "right"),
    Compare: attrgetter("operands"),
    Assign: lambda n: (*n.targets, n.value) if n.value is not None else n.targets,
    Evaluate: lambda n: (n.value,),
    Dict: _dict,
    Unary: lambda n: (n.operand,),
    Slice: lambda n: _maybe(n.lower, n.upper, n.step),
    Choice: attrgetter("test", "body", "orelse"),
    Lambda: lambda n: [*_defaults(n.params), n.body],
    Comprehension: _comprehension,
    Formatted: attrgetter("parts"),
    Wrapped: lambda n: _maybe(n.value),
    Return: lambda n: _maybe(n.value),
    Raise: lambda n: _maybe(n.value),
    If: lambda n: (n.test,),
    While: lambda n: (n.test,),
    Assert: lambda n: (n.test,),
    For: attrgetter("target", "iterable"),
    With: lambda n: [e for item in n.items for e in item if e is not None],
    Function: lambda n: [*n.decorators, *_defaults(n.params)],
    Class: lambda n: (*n.decorators, *n.bases),
    Delete: attrgetter("targets"),
    Handler: lambda n: _maybe(n.kinds),
}


def parts(node: Node) -> Iterable[Expr]:
    """The expressions directly inside an expression or a statement (not those of its body)."""
    make = _PARTS.get(type(node))
    return make(node) if make is not None else ()


def blocks(node: Node) -> Iterator[tuple[Stmt, ...]]:
    """The bodies of a statement, in order."""
    match node:
        case If() | For() | While():
            yield node.body
            yield node.orelse
        case With() | Function() | Class():
            yield node.body
        case Try():
            yield node.body
            for handler in node.handlers:
                yield handler.body
            yield node.orelse
            yield node.final


def expressions(node: Node) -> Sequence_[Expr]:
    """Every expression below a node, outer first, without the statements of its bodies.

    A statement remembers them: they are asked for by many rules.
    """
    if isinstance(node, Stmt):
        if node.flat is None:
            node.flat = _flatten(node)
        return node.flat
    return _flatten(node)


def _flatten(node: Node) -> tuple[Expr, ...]:
    found: list[Expr] = []
    _gather(node, found)
    return tuple(found)


def _gather(node: Node, found: list[Expr]) -> None:
    for expr in parts(node):
        found.append(expr)
        if type(expr) not in _LEAVES:
            _gather(expr, found)


def calls(node: Node, found: list[Call]) -> None:
    """Add every call below a node, outer first, without those in the statements of its bodies."""
    for expr in parts(node):
        kind = type(expr)
        if kind not in _LEAVES:
            if kind is Call:
                found.append(expr)  # type: ignore[arg-type]
            calls(expr, found)


_LEAVES = frozenset((Name, Const, Unknown))


def statements(body: tuple[Stmt, ...]) -> Iterator[Stmt]:
    """Every statement of a body and of the bodies inside it, in order of the text."""
    stack = list(body)[::-1]
    while stack:
        stmt = stack.pop()
        yield stmt
        for block in reversed(list(blocks(stmt))):
            stack.extend(block[::-1])
