"""Symbolic execution, part two: values without mutable parts, events, and what models say.

What is handed to a library is frozen: an object as the fields it has now, a data set as what one
of its rows is, a function as what it returns. Every call that leaves the repository is written
down as an event, with the conditions and loops it is made under.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from autosota.agents.code.expressions import Expressions
from autosota.agents.code.learners import methods_of, shaped_like_a_model
from autosota.agents.code.program import Program
from autosota.agents.code.state import Event, Frame, FunctionInfo, ObjectInfo
from autosota.agents.code.values import DATA, OBJECT, PRED, Value, const, text_of

DEEPEST = 14
"""Frames on the stack before a call is left as it is."""


class Freezing(Expressions):
    """Freezes values and writes events down."""

    def __init__(self, program: Program, steps: int) -> None:
        super().__init__(program, steps)
        self.stack: list[Frame] = []
        self.loops: list[Value] = []
        self.events: list[Event] = []
        self._frozen: dict[int, tuple[int, Value]] = {}
        self._freezing: set[int] = set()
        self.in_statement = False

    # ---------------------------------------------------------------- events

    def event(self, value: Value) -> None:
        """Write down that something outside was called."""
        conditions = tuple(c for f in self.stack for c in f.conditions)
        stack = tuple((f.facts.path, f.symbol) for f in self.stack)
        self.events.append(Event(value, conditions, tuple(self.loops), stack))

    # ---------------------------------------------------------------- arguments

    def arguments(self, node: ast.Call) -> tuple[list[int], dict[str, int]]:
        """The boxes of the arguments, by position and by name."""
        positional: list[int] = []
        named: dict[str, int] = {}
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                inner = self.value(argument.value)
                if inner.kind == "seq":
                    positional += [self.box(k) for k in inner.kids]
                else:
                    positional.append(self.box(self.make("star", "", (inner,))))
            else:
                positional.append(self.boxed(argument))
        for keyword in node.keywords:
            if keyword.arg is not None:
                named[keyword.arg] = self.boxed(keyword.value)
                continue
            inner = self.value(keyword.value)
            if inner.kind == "dict" and all(text_of(k) for k in inner.kids[::2]):
                for key, value in zip(inner.kids[::2], inner.kids[1::2], strict=True):
                    named[text_of(key)] = self.box(value)
            else:
                named["**"] = self.box(inner)
        return positional, named

    def parts(self, positional: Sequence[int], named: dict[str, int]) -> tuple[Value, ...]:
        """The arguments as parts of a value: by position, then by name in order of names."""
        out = [self.freeze(self.boxes[b]) for b in positional]
        for name in sorted(named):
            out.append(self.make("kw", name, (self.freeze(self.boxes[named[name]]),)))
        return tuple(out)

    def predict(
        self, model: Value | None, arguments: tuple[Value, ...], inside: tuple[Value, ...]
    ) -> Value:
        """What a model says of its arguments."""
        receiver = self.freeze(model) if model is not None else self.make("function")
        asked = self.make("asked", "", arguments)
        made = self.make("pred", "", (receiver, asked, *inside), PRED)
        self.event(made)
        return made

    # ---------------------------------------------------------------- freezing

    def freeze(self, value: Value) -> Value:
        """A value without mutable parts: objects as they are now, functions as what they do."""
        if not value.flags & OBJECT:
            return value
        if value.kind == "obj":
            return self._freeze_object(value)
        if value.kind == "fn":
            return self._freeze_function(value)
        if value.kind == "bound":
            owner, function = value.payload
            if owner.kind == "obj" and owner.payload.number in self._freezing:
                return self.make("method_of", function.head)
            return self.make("method_of", function.head, (self.freeze(owner),))
        if value.kind == "cls":
            return self.make("class", value.head)
        kids = tuple(self.freeze(k) for k in value.kids)
        site = (value.path, value.line, value.symbol)
        flags = value.flags & ~OBJECT
        return Value(value.kind, value.head, kids, flags, site, value.payload)

    def _freeze_object(self, value: Value) -> Value:
        info: ObjectInfo = value.payload
        known = self._frozen.get(info.number)
        if known is not None and known[0] == self.version:
            return known[1]
        if info.number in self._freezing:
            return self.make("again")
        self._freezing.add(info.number)
        try:
            made = self._dataset(value) or self._fields(value)
        finally:
            self._freezing.discard(info.number)
        made.payload = value
        self._frozen[info.number] = (self.version, made)
        return made

    def _fields(self, value: Value) -> Value:
        info: ObjectInfo = value.payload
        kids: list[Value] = []
        own = sorted((n, box) for (at, n), box in self.names.items() if at == info.number)
        for name, box in own:
            kids.append(self.make("kw", name, (self.freeze(self.boxes[box]),)))
        starts = self.field(value, "__init__")
        if starts.kind == "attr" and self.outer_bases(info.path, info.symbol):
            held = {n for n, _ in own}
            kids += [k for k in info.arguments if k.kind == "kw" and k.head not in held]
        if learns(self, info):
            kids.append(self.make("kw", "<learns>", (const(True),)))
        symbol = self.program.facts(info.path).symbols.get(info.symbol)
        head = symbol.fingerprint if symbol is not None else info.symbol
        return Value("inst", head, tuple(kids), 0, (value.path, value.line, value.symbol))

    def _dataset(self, value: Value) -> Value | None:
        """An object that is indexed by row number: what a row is, and how many there are."""
        get = self.field(value, "__getitem__")
        if get.kind != "bound" or len(self.stack) > DEEPEST - 4:
            return None
        saved, events = self.save(), len(self.events)
        row = self.freeze(self.invoke(get, (self.make("param", "row"),)))
        size = self.field(value, "__len__")
        length = self.freeze(self.invoke(size, ())) if size.kind == "bound" else const(None)
        self.load(saved)
        del self.events[events:]
        return Value("rows", "", (row, length), DATA, (value.path, value.line, value.symbol))

    def _freeze_function(self, value: Value) -> Value:
        """A function handed to a library: what it returns for parameters nobody knows."""
        info: FunctionInfo = value.payload
        running = any(f.node is info.node for f in self.stack)
        if running or len(self.stack) > DEEPEST - 6 or id(info.node) in self._freezing:
            return self.make("lam", value.head)
        self._freezing.add(id(info.node))
        saved, events = self.save(), len(self.events)
        arguments = info.node.args
        count = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
        try:
            parameters = tuple(self.make("param", str(n)) for n in range(count))
            result = self.freeze(self.invoke(value, parameters))
        finally:
            self._freezing.discard(id(info.node))
            self.load(saved)
            del self.events[events:]
        return self.make("lam", "", (result,))


def learns(machine: Expressions, info: ObjectInfo) -> bool:
    """True for an object of a class that trains or transforms."""
    key = (info.path, info.symbol)
    known = machine.models.get(key)
    if known is None:
        methods: dict[str, ast.AST] = {}
        for path, symbol in reversed(machine.lineage(*key)):
            methods.update(methods_of(machine.program.facts(path), symbol))
        bases = machine.outer_bases(*key)
        known = shaped_like_a_model(info.symbol.rpartition(".")[2], bases, methods)
        machine.models[key] = known
    return known


def trains_others(machine: Expressions, info: ObjectInfo) -> bool:
    """True for an object that derives from a library's trainer: it holds the model it trains."""
    return any(
        b.endswith(("Trainer", "Learner")) for b in machine.outer_bases(info.path, info.symbol)
    )
