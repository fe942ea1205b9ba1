"""What stands in a file: its statements, calls and assignments, found by their words.

A unit is surveyed once, when something is asked that its bytes can answer; after an edit only
what changed is surveyed again. Scopes are not told apart here: a name is a name of the file, which
is what the rules that ask want (they look for the absence of another definition).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Generic, Literal, TypeVar

from autosota.agents.check import ir


@dataclass(slots=True, eq=False)
class Context:
    """Where a statement stands: the statements around it, outermost first."""

    around: tuple[ir.Node, ...] = ()

    @property
    def function(self) -> ir.Function | None:
        """The innermost function around it."""
        return next((n for n in reversed(self.around) if isinstance(n, ir.Function)), None)

    @property
    def owner(self) -> ir.Class | None:
        """The innermost class around it."""
        return next((n for n in reversed(self.around) if isinstance(n, ir.Class)), None)

    @property
    def loops(self) -> tuple[ir.Node, ...]:
        """The loops around it within its function, outermost first."""
        return tuple(n for n in self._within() if isinstance(n, ir.For | ir.While))

    @property
    def guards(self) -> tuple[ir.Node, ...]:
        """The `if`, `try` and `except` around it within its function, outermost first."""
        return tuple(n for n in self._within() if isinstance(n, ir.If | ir.Try | ir.Handler))

    def _within(self) -> tuple[ir.Node, ...]:
        for i in range(len(self.around) - 1, -1, -1):
            if isinstance(self.around[i], ir.Function | ir.Class):
                return self.around[i + 1 :]
        return self.around


@dataclass(slots=True, eq=False)
class Bound:
    """A name (or an attribute's or item's text) that is given a value.

    Attributes:
        at: Counts those of its unit, in order of the text.
        name: Its dotted name, `''` for an item or several names.
        op: ''`''` for `=`, an augmented assignment's operator, `for`, or `with`.
    """

    at: int
    name: str
    target: ir.Expr
    value: ir.Expr | None
    stmt: ir.Stmt
    context: Context
    op: str = ""


@dataclass(slots=True, eq=False)
class Called:
    """A call, its dotted name through the imports (`''` when not imported) and its statement.

    `at` counts those of its unit, in order of the text.
    """

    at: int
    node: ir.Call
    name: str
    method: str
    stmt: ir.Stmt
    context: Context


@dataclass(slots=True, eq=False)
class Survey:
    """What stands in one unit, in order of the text.

    Attributes:
        statements: Every statement with the statements around it.
        calls, bound, loops: What is called, what is given a value, and every `for`.
        changed: Names whose items are set, that are added to, or appended to.
    """

    unit: ir.Unit
    statements: tuple[tuple[ir.Stmt, Context], ...]
    calls: dict[ir.Call, Called] = field(default_factory=dict)
    bound: list[Bound] = field(default_factory=list)
    loops: list[tuple[ir.For, Context]] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)


_KINDS = frozenset((ir.If, ir.For, ir.Raise, ir.Function, ir.Class))
"""Statements that are asked for by their kind."""
_Kind = Literal["calls", "bound", "loops"]
_T = TypeVar("_T")
_Item = TypeVar("_Item", Bound, Called)
_Stmt = TypeVar("_Stmt", bound=ir.Stmt)
_Walked = list[tuple[_Stmt, Context]]
_Imported = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _View(Generic[_T]):
    """What a function found in units by themselves, and the units it is yet to be asked of."""

    among: _Kind
    todo: dict[ir.Unit, None]
    found: dict[ir.Unit, tuple[_T, ...]] = field(default_factory=dict)


class Index:
    """The index of a file, kept over edits."""

    def __init__(self) -> None:
        """No units yet."""
        self.units: Sequence[ir.Unit] = ()
        self._text = b""
        self.imports: Mapping[str, str] = {}
        """Local name → dotted name, of every import of the file at any depth."""
        self._imported: dict[ir.Unit, _Imported] = {}
        self._surveys: dict[ir.Unit, Survey] = {}
        self._unseen: dict[ir.Unit, None] = {}
        self._views: dict[Callable[[Index, Survey], Iterable[Any]], _View[Any]] = {}
        self._having: dict[_Kind, dict[ir.Unit, None]] = {"calls": {}, "bound": {}, "loops": {}}
        self._spelled: dict[tuple[str, ...], frozenset[str]] = {}
        self._calls: dict[str, list[Called]] = {}
        self._names: dict[str, list[Bound]] = {}
        self._changed: dict[str, set[ir.Unit]] = {}
        self._kinds: dict[type, dict[ir.Unit, list[tuple[ir.Stmt, Context]]]] = {}

    def update(self, units: Sequence[ir.Unit], text: bytes) -> None:
        """The file has these units and this text now."""
        self._text = text
        here = set(units)
        for unit in self.units:
            if unit not in here:
                self._imported.pop(unit, None)
                self._forget(unit)
        self.units = units
        imports: dict[str, str] = {}
        for unit in units:
            if unit not in self._imported:
                self._imported[unit] = _imports(unit)
                self._unseen[unit] = None
            for local, dotted in self._imported[unit]:
                imports.setdefault(local, dotted)
        if imports != self.imports:
            self.imports, self._spelled = imports, {}
            for unit in list(self._surveys):
                self._forget(unit)
                self._unseen[unit] = None

    # ------------------------------------------------------------------------------- asked
    def calls_of(
        self, *methods: str, within: Callable[[bytes], object] | None = None
    ) -> list[Called]:
        """The calls whose last word is one of these, in order of the text.

        Those in units of whose text `within` says no may be left out.
        """
        self._see(methods, _called, within)
        return _in_order(self._calls, methods)

    def calls_to(self, functions: Iterable[str], *methods: str) -> list[Called]:
        """The calls of functions with these dotted names, or of these methods, and others."""
        return self.calls_of(*(self.spelled(*functions) | set(methods)))

    def bound_to(self, *names: str) -> list[Bound]:
        """Where one of these names is given a value, in order of the text."""
        self._see(names, _said)
        return _in_order(self._names, names)

    def is_changed(self, name: str) -> bool:
        """Whether items of what a name holds are set, or it is added or appended to."""
        self._see((name,), _said)
        return name in self._changed

    def statements(
        self, kind: type[_Stmt], like: re.Pattern[bytes] | None = None
    ) -> _Walked[_Stmt]:
        """The statements of a kind with the statements around them, in order of the text.

        With `like`, those in units where it does not occur may be left out.
        """
        self._see_like(like)
        units = self._kinds.get(kind, {})
        order = sorted(units, key=_offset)
        return [pair for unit in order for pair in units[unit]]  # type: ignore[misc]

    @property
    def calls(self) -> list[Called]:
        """Every call."""
        self._see_like(None)
        return [call for unit in self.units for call in self._surveys[unit].calls.values()]

    @property
    def bound(self) -> list[Bound]:
        """Everything that is given a value."""
        return self.bound_in(None)

    def bound_in(self, like: re.Pattern[bytes] | None) -> list[Bound]:
        """What is given a value, perhaps without that in units where a pattern does not occur."""
        self._see_like(like)
        seen = [self._surveys[unit] for unit in self.units if unit in self._surveys]
        return [bound for survey in seen for bound in survey.bound]

    @property
    def names(self) -> Iterable[str]:
        """The names that are given a value, in no order."""
        self._see_like(None)
        return self._names

    def called(self, node: ir.Call) -> Called | None:
        """A call with its statement, None when it is in the file no more."""
        return self.survey(node.unit).calls.get(node) if node.unit in self._imported else None

    def spelled(self, *functions: str) -> frozenset[str]:
        """The last words by which these dotted names can be meant here."""
        known = self._spelled.get(functions)
        if known is None:
            found = {
                local if name == dotted else name.rpartition(".")[2]
                for local, dotted in self.imports.items()
                for name in functions
                if name == dotted or name.startswith(f"{dotted}.")
            }
            known = self._spelled[functions] = frozenset(found)
        return known

    def each(
        self,
        find: Callable[[Index, Survey], Iterable[_T]],
        among: _Kind,
        like: re.Pattern[bytes] | None = None,
        *,
        calling: Iterable[str] | None = None,
        saying: Iterable[str] | None = None,
    ) -> list[_T]:
        """What a function finds in each unit by itself, in order of the text.

        It is asked once of a unit, so of the index it may ask for nothing but imports. With
        one of the last three, units in which that does not occur may be left out.

        Args:
            find: The function.
            among: What of a unit it looks at; one without any is not asked for.
            like: What occurs in every unit in which something is found.
            calling: Words one of which is called in every such unit.
            saying: Words one of which stands in every such unit.
        """
        if calling is not None:
            self._see(calling, _called)
        elif saying is not None:
            self._see(saying, _said)
        else:
            self._see_like(like)
        view = self._views.get(find)
        if view is None:
            view = self._views[find] = _View(among, dict.fromkeys(self._having[among]))
        for unit in view.todo:
            found = tuple(find(self, self._surveys[unit]))
            if found:
                view.found[unit] = found
        view.todo = {}
        return [one for unit in sorted(view.found, key=_offset) for one in view.found[unit]]

    def units_of(self, *words: str) -> list[ir.Unit]:
        """The units in which one of these words occurs, in order of the text."""
        places: set[int] = set()
        for word in filter(None, words):
            token = word.encode()
            at = self._text.find(token)
            while at >= 0:
                places.add(bisect_right(self.units, at, key=_offset) - 1)
                at = self._text.find(token, at + 1)
        return [self.units[place] for place in sorted(places - {-1})]

    def survey(self, unit: ir.Unit) -> Survey:
        """What stands in a unit of the file."""
        if unit in self._unseen:
            self._add(unit)
        return self._surveys[unit]

    def walk(self) -> list[tuple[ir.Stmt, Context]]:
        """Every statement with the statements around it, in order of the text."""
        return [pair for unit in self.units for pair in self.survey(unit).statements]

    def resolve(self, expr: ir.Expr) -> str:
        """The dotted name of `a.b.c` through the imports, or `''` if no import binds `a`."""
        tail: list[str] = []
        while isinstance(expr, ir.Attribute):
            tail.append(expr.attr)
            expr = expr.value
        if not isinstance(expr, ir.Name):
            return ""
        base = self.imports.get(expr.id, "")
        return ".".join([base, *reversed(tail)]) if base else ""

    # ----------------------------------------------------------------------------- surveyed
    def _see(
        self,
        words: Iterable[str],
        as_it_must: Callable[[bytes], re.Pattern[bytes]],
        within: Callable[[bytes], object] | None = None,
    ) -> None:
        """Survey the units in which one of these words occurs as it must to be found."""
        if not self._unseen:
            return
        tokens = [word.encode() for word in words]
        for unit in list(self._unseen):
            text = unit.text
            if any(token in text and as_it_must(token).search(text) for token in tokens) and (
                within is None or within(text)
            ):
                self._add(unit)

    def _see_like(self, like: re.Pattern[bytes] | None) -> None:
        for unit in list(self._unseen):
            if like is None or like.search(unit.text):
                self._add(unit)

    def _add(self, unit: ir.Unit) -> None:
        del self._unseen[unit]
        survey = self._surveys[unit] = self._survey(unit)
        having = [what for what in self._having if getattr(survey, what)]
        for what in having:
            self._having[what][unit] = None
        for view in self._views.values():
            if view.among in having:
                view.todo[unit] = None
        for call in survey.calls.values():
            self._calls.setdefault(call.method, []).append(call)
        for bound in survey.bound:
            for name in bound_names(bound.target):
                self._names.setdefault(name, []).append(bound)
        for word in survey.changed:
            self._changed.setdefault(word, set()).add(unit)
        for pair in survey.statements:
            kind = type(pair[0])
            if kind in _KINDS:
                self._kinds.setdefault(kind, {}).setdefault(unit, []).append(pair)

    def _forget(self, unit: ir.Unit) -> None:
        self._unseen.pop(unit, None)
        survey = self._surveys.pop(unit, None)
        if survey is None:
            return
        for units in self._having.values():
            units.pop(unit, None)
        for view in self._views.values():
            view.todo.pop(unit, None)
            view.found.pop(unit, None)
        for word in {call.method for call in survey.calls.values()}:
            _drop(self._calls, word, unit)
        for word in {name for bound in survey.bound for name in bound_names(bound.target)}:
            _drop(self._names, word, unit)
        for word in survey.changed:
            self._changed[word] -= {unit}
            if not self._changed[word]:
                del self._changed[word]
        for kept in self._kinds.values():
            kept.pop(unit, None)

    def _survey(self, unit: ir.Unit) -> Survey:
        out = Survey(unit, tuple(_walk(unit.body)))
        walrus = b":=" in unit.text
        for stmt, context in out.statements:
            if isinstance(stmt, ir.Assign):
                for goal in stmt.targets:
                    for one, value in _pairs(goal, stmt.value):
                        _bind(out, one, value, stmt, context, stmt.op)
            elif isinstance(stmt, ir.For):
                out.loops.append((stmt, context))
                _bind(out, stmt.target, None, stmt, context, "for")
            elif isinstance(stmt, ir.With):
                for value, target in stmt.items:
                    if target is not None:
                        _bind(out, target, value, stmt, context, "with")
            found: list[ir.Call] = []
            ir.calls(stmt, found)
            for node in found:
                func = node.func
                method = func.attr if isinstance(func, ir.Attribute) else last(func)
                name = self.resolve(func)
                out.calls[node] = Called(len(out.calls), node, name, method, stmt, context)
                if method in _GROWS and isinstance(func, ir.Attribute):
                    out.changed.add(root(func.value))
            if walrus:
                for expr in ir.expressions(stmt):
                    if isinstance(expr, ir.Walrus):
                        one = ir.Name(expr.unit, expr.start, expr.end, expr.name)
                        _bind(out, one, expr.value, stmt, context, "")
        return out


@lru_cache(maxsize=4096)
def _said(word: bytes) -> re.Pattern[bytes]:
    """A whole word. What looks behind stands after it: a search is fast that begins with it."""
    escaped = re.escape(word)
    return re.compile(escaped + rb"(?<!\w" + escaped + rb")(?!\w)" if word else b"")


@lru_cache(maxsize=4096)
def _called(word: bytes) -> re.Pattern[bytes]:
    """A word that is called, perhaps as the key of an item; `print` was a statement once."""
    whole = _said(word)
    if word in (b"", b"print"):
        return whole
    return re.compile(whole.pattern + rb"(?:['\"]+\s*\])?[\s\\)]*\(")


def _in_order(found: dict[str, list[_Item]], words: Iterable[str]) -> list[_Item]:
    here = [one for word in words for one in found.get(word, ())]
    here.sort(key=_place)
    return here


def _place(one: Bound | Called) -> tuple[int, int]:
    return (one.stmt.unit.offset, one.at)


def _offset(unit: ir.Unit) -> int:
    return unit.offset


def _drop(found: dict[str, list[_Item]], word: str, unit: ir.Unit) -> None:
    kept = [one for one in found[word] if one.stmt.unit is not unit]
    if kept:
        found[word] = kept
    else:
        del found[word]


_IMPORT = re.compile(rb"(?:^|[\n;:\f])[ \t]*(?:from|import)\b")


def _imports(unit: ir.Unit) -> _Imported:
    if b"import" not in unit.text or not (unit.broken or _IMPORT.search(unit.text)):
        return ()
    return tuple(
        name
        for stmt in ir.statements(unit.body)
        if isinstance(stmt, ir.Import)
        for name in stmt.names
    )


def _walk(body: tuple[ir.Stmt, ...]) -> Iterator[tuple[ir.Stmt, Context]]:
    top = Context()
    stack: list[tuple[ir.Stmt, Context]] = [(stmt, top) for stmt in reversed(body)]
    while stack:
        stmt, context = stack.pop()
        yield stmt, context
        if not isinstance(stmt, _HOLDS):
            continue
        below: list[tuple[ir.Stmt, Context]] = []
        inner = Context((*context.around, stmt))
        if isinstance(stmt, ir.Try):
            below += [(s, inner) for s in stmt.body]
            for handler in stmt.handlers:
                caught = Context((*inner.around, handler))
                below += [(s, caught) for s in handler.body]
            below += [(s, inner) for s in (*stmt.orelse, *stmt.final)]
        else:
            below = [(s, inner) for block in ir.blocks(stmt) for s in block]
        stack.extend(reversed(below))


_HOLDS = (ir.If, ir.For, ir.While, ir.Try, ir.With, ir.Function, ir.Class)
_GROWS = {"append", "extend", "insert", "update", "add", "fill", "setdefault", "copy_"}


def _bind(
    out: Survey,
    target: ir.Expr,
    value: ir.Expr | None,
    stmt: ir.Stmt,
    context: Context,
    op: str,
) -> None:
    out.bound.append(Bound(len(out.bound), dotted(target), target, value, stmt, context, op))
    if isinstance(target, ir.Name):
        if op not in ("", "for", "with"):
            out.changed.add(target.id)
    elif isinstance(target, ir.Subscript | ir.Attribute):
        out.changed.add(root(target))


def _pairs(target: ir.Expr, value: ir.Expr | None) -> Iterator[tuple[ir.Expr, ir.Expr | None]]:
    """Each target with its value; of a tuple whose value is no tuple, each with the whole."""
    if isinstance(target, ir.Sequence):
        values: list[ir.Expr | None] = [value] * len(target.elts)
        if isinstance(value, ir.Sequence) and len(value.elts) == len(target.elts):
            values = list(value.elts)
        for one, its in zip(target.elts, values, strict=True):
            yield from _pairs(one, its)
    else:
        yield target, value


# ---------------------------------------------------------------------------- expressions
def bound_names(target: ir.Expr) -> Sequence[str]:
    """The names that a target gives a value."""
    if isinstance(target, ir.Name):
        return (target.id,)
    if isinstance(target, ir.Sequence):
        return [one.id for one in target.elts if isinstance(one, ir.Name)]
    return ()


def source(node: ir.Node) -> str:
    """The source of a node."""
    return node.unit.text[node.start : node.end].decode("utf-8", "replace")


def root(expr: ir.Expr) -> str:
    """The name at the bottom of `a.b[c].d()`, or ''."""
    while True:
        if isinstance(expr, ir.Name):
            return expr.id
        if isinstance(expr, ir.Attribute | ir.Subscript | ir.Starred):
            expr = expr.value
        elif isinstance(expr, ir.Call):
            expr = expr.func
        else:
            return ""


def dotted(expr: ir.Expr) -> str:
    """`a.b.c` as text, or '' when it is something else."""
    tail: list[str] = []
    while isinstance(expr, ir.Attribute):
        tail.append(expr.attr)
        expr = expr.value
    return ".".join([expr.id, *reversed(tail)]) if isinstance(expr, ir.Name) else ""


def last(expr: ir.Expr) -> str:
    """The last word of a target: the name, the attribute, the key of a constant item."""
    if isinstance(expr, ir.Name):
        return expr.id
    if isinstance(expr, ir.Attribute):
        return expr.attr
    if isinstance(expr, ir.Subscript):
        key = expr.index
        return str(key.value) if isinstance(key, ir.Const) and isinstance(key.value, str) else ""
    return ""


def inside(expr: ir.Expr | None) -> Iterator[ir.Expr]:
    """An expression and everything below it."""
    if expr is not None:
        yield expr
        yield from ir.expressions(expr)


def names_in(expr: ir.Expr | None) -> Iterator[str]:
    """Every variable, attribute and constant text inside an expression."""
    for e in inside(expr):
        if isinstance(e, ir.Name):
            yield e.id
        elif isinstance(e, ir.Attribute):
            yield e.attr
        elif isinstance(e, ir.Const) and isinstance(e.value, str):
            yield e.value


def variables_in(expr: ir.Expr | None) -> set[str]:
    """Every variable that is read inside an expression."""
    return {e.id for e in inside(expr) if isinstance(e, ir.Name)}


def string(expr: ir.Expr | None) -> str:
    """A constant text, the literal part of an f-string, or ''."""
    if isinstance(expr, ir.Const) and isinstance(expr.value, str):
        return expr.value
    return expr.text if isinstance(expr, ir.Formatted) else ""


def number(expr: ir.Expr | None) -> float | None:
    """A constant number (with its sign), or None; True and False are none."""
    if isinstance(expr, ir.Unary) and expr.op in ("-", "+"):
        inner = number(expr.operand)
        return None if inner is None else -inner if expr.op == "-" else inner
    if isinstance(expr, ir.Const) and type(expr.value) in (int, float):
        return float(expr.value)  # type: ignore[arg-type]
    return None
