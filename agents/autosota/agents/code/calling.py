"""Symbolic execution, part two: calls.

Functions and methods of the repository are executed where they are called; a call into a
library becomes a value that says so and an event. Calls of models become `pred` values: what
is asked of whom, with what the model's own code did kept inside, apart.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from autosota.agents.code import libraries as lib
from autosota.agents.code.expressions import Expressions
from autosota.agents.code.fingerprint import fingerprint, local_names
from autosota.agents.code.program import Program
from autosota.agents.code.state import Event, Frame, FunctionInfo, ObjectInfo
from autosota.agents.code.values import (
    DATA,
    LOAD,
    METRIC,
    OBJECT,
    OPTION,
    PRED,
    SEED,
    TIME,
    TRAINED,
    Value,
    const,
    literal,
    text_of,
    walk,
)

_DEEPEST = 14
_SOLVERS = ("numpy.linalg.", "scipy.optimize.", "scipy.linalg.", "jax.grad", "jax.jit")


class Calling(Expressions):
    """Executes calls."""

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

    # ---------------------------------------------------------------- the call itself

    def call(self, node: ast.Call) -> Value:
        """A call expression."""
        self.site = (self.frame.facts.path, node.lineno, self.frame.symbol)
        alone, self.in_statement = self.in_statement, False
        function = node.func
        if isinstance(function, ast.Attribute):
            if isinstance(function.value, ast.Call) and _is_super(function.value):
                return self._super(function.attr, node)
            receiver_box = self.boxed(function.value)
            receiver = self.boxes[receiver_box]
            target = self._target(receiver, function.attr)
            if target is None:
                return self._method(receiver_box, function.attr, node, alone)
        else:
            target = self.value(function)
        return self.apply(target, *self.arguments(node))

    def _target(self, receiver: Value, name: str) -> Value | None:
        """What `receiver.name` is when that can be called directly; None: a library's method."""
        if receiver.kind in ("ref", "module", "cls"):
            return self.attribute(receiver, name)
        if receiver.kind == "obj":
            found = self.field(receiver, name)
            if found.kind != "attr":
                return found
        if receiver.kind == "phi" and receiver.kids[1].kind == "obj":
            found = self.field(receiver.kids[1], name)
            if found.kind == "bound":
                return found
        if receiver.kind == "set" and receiver.head == "attr":
            found = self.attribute(receiver, name)
            if found.kind in ("fn", "bound"):
                return found
        return None

    def apply(self, target: Value, positional: list[int], named: dict[str, int]) -> Value:
        """Call a value."""
        if target.kind == "fn":
            return self._inline(target, positional, named)
        if target.kind == "bound":
            owner, function = target.payload
            return self._inline(function, [self.box(owner), *positional], named, owner)
        if target.kind == "cls":
            return self.construct(target, positional, named)
        if target.kind == "ref":
            return self._library(target.head, positional, named)
        if target.kind == "partial":
            fixed = target.payload
            return self.apply(fixed[0], [*fixed[1], *positional], {**fixed[2], **named})
        if target.kind == "phi":
            yes, no = target.kids[1], target.kids[2]
            if {yes.kind, no.kind} <= {"fn", "bound", "cls", "ref", "phi", "partial"}:
                made = self.apply(yes, positional, named), self.apply(no, positional, named)
                return self.phi(target.kids[0], made[0], made[1])
        if target.kind == "obj":
            return self._call_object(target, positional, named)
        if target.kind in ("name", "opaque", "super_attr"):
            made_call = self.make("call", target.head, self.parts(positional, named))
            self.event(made_call)
            return made_call
        parts = self.parts(positional, named)
        if lib.MEASURES.search(_constructor(target)):
            measured = self.make("method", "__call__", (self.freeze(target), *parts), METRIC)
            self.event(measured)
            return measured
        if lib.TRANSFORMS_ROWS.search(_constructor(target)):
            return self.make("method", "__call__", (self.freeze(target), *parts))
        if lib.TRANSFORMS_FUNCTIONS.match(_constructor(target)):
            return self.make("method", "__call__", (self.freeze(target), *parts), TRAINED)
        return self._predict(target, parts, ())

    def invoke(self, function: Value, arguments: tuple[Value, ...]) -> Value:
        """Call a function with values."""
        return self.apply(function, [self.box(a) for a in arguments], {})

    # ---------------------------------------------------------------- the repository's own

    def function(self, info: FunctionInfo) -> Value:
        """A function of the repository as a value."""
        node = info.node
        body: list[ast.AST] = [*node.body] if isinstance(node.body, list) else [node.body]
        print_ = fingerprint([node.args, *body], info.facts.resolve, local_names(node))
        return Value("fn", print_, (), OBJECT, self.site, payload=info)

    def run_body(self, frame: Frame, info: FunctionInfo) -> Value:
        """See `execute.py`."""
        raise NotImplementedError

    def _inline(
        self,
        function: Value,
        positional: list[int],
        named: dict[str, int],
        owner: Value | None = None,
    ) -> Value:
        info: FunctionInfo = function.payload
        name = info.symbol.rpartition(".")[2]
        recursive = sum(f.node is info.node for f in self.stack) > 1
        if recursive or len(self.stack) > _DEEPEST:
            made = self.make("call", f"again:{function.head}", self.parts(positional, named))
            return made
        frame = Frame(self.number(), info.facts, info.symbol, info.module, info.outer)
        frame.owner, frame.itself, frame.node = info.owner, owner, info.node
        self._bind_parameters(frame, info, positional, named)
        site = self.site
        result = self.run_body(frame, info)
        self.site = site
        if isinstance(info.node, ast.Lambda):
            return result
        asked = positional[1:] if owner is not None else positional
        if result.kind in ("const", "obj", "seq", "dict") or not asked:
            return result
        if owner is not None and owner.kind == "obj" and name in lib.PREDICTS:
            if _learns(self, owner.payload):
                return self._predict(owner, self.parts(asked, named), (self.freeze(result),))
        if result.flags & PRED:
            outer = (v for v in walk(result, lambda v: v.kind == "pred") if v.kind == "pred")
            if owner is None and lib.PREDICT_NAME.match(name) and any(v.head for v in outer):
                return self._by_weights(asked, named, result)
            return result
        learned = owner is not None and owner.kind == "obj" and self._answers(owner, name, result)
        if learned:
            return self._predict(owner, self.parts(asked, named), (self.freeze(result),))
        if lib.PREDICT_NAME.match(name):
            return self._by_weights(asked, named, result)
        return result

    def _by_weights(self, asked: list[int], named: dict[str, int], result: Value) -> Value:
        """A prediction by a plain function: the weights it is given are the model."""
        weights = [b for b in asked if self.boxes[b].flags & TRAINED]
        rest = [b for b in asked if b not in weights]
        if not weights or not rest:
            weights, rest = [], asked
        model = self.make("weights", "", self.parts(weights, {})) if weights else None
        return self._predict(model, self.parts(rest, named), (self.freeze(result),))

    def _answers(self, owner: Value, name: str, result: Value) -> bool:
        """True when a method of something that learns gives what was learned of its arguments."""
        if lib.FITS_OR_JUDGES.search(name) or not result.flags & (DATA | TRAINED):
            return False
        return _learns(self, owner.payload)

    def _bind_parameters(
        self, frame: Frame, info: FunctionInfo, positional: list[int], named: dict[str, int]
    ) -> None:
        arguments = info.node.args
        names = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
        ends = names[len(names) - len(arguments.defaults) :]
        defaults = {
            n: self._default(info, d) for n, d in zip(ends, arguments.defaults, strict=False)
        }
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            names.append(argument.arg)
            if default is not None:
                defaults[argument.arg] = self._default(info, default)
        count = len(arguments.posonlyargs) + len(arguments.args)
        given = dict(zip(names[:count], positional, strict=False))
        given.update({k: b for k, b in named.items() if k in names})
        for name in names:
            box = given.get(name)
            if box is None:
                box = self.box(defaults[name] if name in defaults else self._missing(info, name))
            self.bind((frame.number, name), box)
        if arguments.vararg is not None:
            rest = tuple(self.boxes[b] for b in positional[count:])
            self.bind((frame.number, arguments.vararg.arg), self.box(self.make("seq", "", rest)))
        if arguments.kwarg is not None:
            kids: list[Value] = []
            for name in sorted(n for n in named if n not in names):
                kids += [const(name), self.boxes[named[name]]]
            extra = self.make("dict", "", tuple(kids))
            self.bind((frame.number, arguments.kwarg.arg), self.box(extra))

    def _default(self, info: FunctionInfo, node: ast.expr) -> Value:
        saved, self.frame = self.frame, info.outer or info.module
        try:
            return self.value(node)
        finally:
            self.frame = saved

    def _missing(self, info: FunctionInfo, name: str) -> Value:
        """A parameter nobody filled: a decorator does (click, hydra, typer), or the world."""
        flags = OPTION | (SEED if "seed" in name.lower() else 0)
        if name in self.given:
            return self.make("option", f"{name}={self.given[name]}", (), flags)
        for decorator in getattr(info.node, "decorator_list", ()):
            if not isinstance(decorator, ast.Call):
                continue
            flag = [a.value for a in decorator.args if isinstance(a, ast.Constant)]
            if any(isinstance(f, str) and _option_name(f) == name for f in flag):
                for keyword in decorator.keywords:
                    if keyword.arg == "default":
                        default = self._default(info, keyword.value)
                        return self.make("option", name, (default,), flags)
        return self.make("option", name, (), flags)

    def construct(
        self, cls: Value, positional: list[int], named: dict[str, int]
    ) -> Value:
        """An object of a class of the repository."""
        path, symbol = cls.payload
        arguments = self.parts(positional, named)
        info = ObjectInfo(self.number(), path, symbol, arguments)
        made = Value("obj", str(info.number), (), OBJECT, self.site, payload=info)
        for at in self.lineage(path, symbol):
            facts = self.program.facts(at[0])
            if f"{at[1]}.__init__" in facts.symbols:
                start = self.field(made, "__init__")
                if start.kind == "bound":
                    self.apply(start, positional, named)
                return made
        fields = [
            s.node
            for at in reversed(self.lineage(path, symbol))
            for s in self.program.facts(at[0]).statements
            if s.symbol == at[1] and isinstance(s.node, ast.AnnAssign)
        ]
        names = [f.target.id for f in fields if isinstance(f.target, ast.Name)]
        for name, box in (*zip(names, positional, strict=False), *named.items()):
            self.bind((info.number, name), box)
        post = self.field(made, "__post_init__")
        if post.kind == "bound":
            self.apply(post, [], {})
        return made

    def _super(self, name: str, node: ast.Call) -> Value:
        positional, named = self.arguments(node)
        frame: Frame | None = self.frame
        while frame is not None and frame.owner is None:
            frame = frame.outer
        owner = frame.itself if frame is not None else None
        if frame is not None and frame.owner is not None and owner is not None:
            for at in self.lineage(*frame.owner)[1:]:
                facts = self.program.facts(at[0])
                found = facts.symbols.get(f"{at[1]}.{name}")
                if found is not None:
                    function = self._bound_method(owner, at, facts, name)
                    return self.apply(function, positional, named)
        if name == "__init__":
            return const(None)
        receiver = self.freeze(owner) if owner is not None else self.make("name", "super")
        return self.make("method", f"super.{name}", (receiver, *self.parts(positional, named)))

    def _call_object(self, target: Value, positional: list[int], named: dict[str, int]) -> Value:
        info: ObjectInfo = target.payload
        for name in ("__call__", "forward"):
            method = self.field(target, name)
            if method.kind == "bound":
                parts = self.parts(positional, named)
                before = self.freeze(target)
                inside = self.freeze(self.apply(method, positional, named))
                bases = self.outer_bases(info.path, info.symbol)
                if not bases and inside.flags & PRED:
                    return inside
                if not bases and name == "__call__" and not _learns(self, info):
                    return inside
                return self._answers_of(before, parts, inside)
        return self._predict(self.freeze(target), self.parts(positional, named), ())

    def _answers_of(self, model: Value, parts: tuple[Value, ...], inside: Value) -> Value:
        """What a model's own code returns: its answers, and losses it computes of them."""
        if inside.kind not in ("seq", "dict"):
            return inside if _loss(inside, parts) else self._predict(model, parts, (inside,))
        answers = [
            None
            if (inside.kind == "dict" and at % 2 == 0) or _loss(kid, parts)
            else self._predict(model, parts, (kid, const(at)))
            for at, kid in enumerate(inside.kids)
        ]
        known = {
            kid.key: answer
            for kid, answer in zip(inside.kids, answers, strict=True)
            if answer is not None and kid.kind != "const"
        }
        kids = [
            answer if answer is not None else self._replaced(kid, known)
            for kid, answer in zip(inside.kids, answers, strict=True)
        ]
        return self.make(inside.kind, inside.head, tuple(kids))

    def _replaced(self, value: Value, known: dict[int, Value]) -> Value:
        """A value with some of its parts replaced, by key."""
        if value.key in known:
            return known[value.key]
        if not value.kids or not value.flags & (PRED | DATA):
            return value
        kids = tuple(self._replaced(k, known) for k in value.kids)
        if all(a is b for a, b in zip(kids, value.kids, strict=True)):
            return value
        site = (value.path, value.line, value.symbol)
        return Value(value.kind, value.head, kids, value.flags, site, value.payload)

    def _predict(
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
        symbol = self.program.facts(info.path).symbols.get(info.symbol)
        head = symbol.fingerprint if symbol is not None else info.symbol
        return Value("inst", head, tuple(kids), 0, (value.path, value.line, value.symbol))

    def _dataset(self, value: Value) -> Value | None:
        """An object that is indexed by row number: what a row is, and how many there are."""
        get = self.field(value, "__getitem__")
        if get.kind != "bound" or len(self.stack) > _DEEPEST - 4:
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
        if running or len(self.stack) > _DEEPEST - 6 or id(info.node) in self._freezing:
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

    # ---------------------------------------------------------------- libraries

    def _library(self, name: str, positional: list[int], named: dict[str, int]) -> Value:
        """A call of a function or class of a library."""
        first = self.boxes[positional[0]] if positional else None
        special = self._special(name, first, positional, named)
        if special is not None:
            return special
        parts = self.parts(positional, named)
        same = lib.SAME.match(name) and first is not None
        if same and first is not None and (first.kind != "seq" or name in ("list", "tuple")):
            return first if first.flags & OBJECT else self.freeze(first)
        if lib.LOADER_CLASSES.search(name) and parts:
            kept = tuple(
                k for k in parts[1:] if k.kind == "kw" and k.head not in lib.LOADER_NEUTRAL
            )
            return self.make("loader", "", (parts[0], *kept))
        flags = 0
        if lib.LOADERS.search(name) and not _configuration(name, parts):
            flags |= LOAD | DATA
        if lib.SPLITS.search(name):
            flags |= DATA
        if lib.METRICS.search(name):
            flags |= METRIC
        if lib.CLOCKS.search(name):
            flags |= TIME
        if name.startswith(_SOLVERS):
            flags |= TRAINED
        if name in ("os.getenv", "os.environ.get"):
            seeds = any("seed" in text_of(p).lower() for p in parts)
            flags |= OPTION | (SEED if seeds else 0)
        last = name.rpartition(".")[2]
        if last in lib.SAMPLERS and "." in name:
            flags |= DATA
        made = self.make("call", name, parts, flags)
        if name in lib.META_CALLS or lib.CONFIG_LOADERS.match(name):
            made.without(DATA | LOAD | PRED)
        self.event(made)
        if lib.IN_PLACE.match(name) and positional:
            self.put(positional[0], self.make("mut", name, (self.freeze(first or made), made)))
        self._train_inside(last, made)
        return made

    def _special(
        self, name: str, first: Value | None, positional: list[int], named: dict[str, int]
    ) -> Value | None:
        """Calls of the language and of libraries that pass values on."""
        if name == "getattr" and len(positional) >= 2 and first is not None:
            known = self.settled(self.boxes[positional[1]])
            attribute = known[0] if known else ""
            if isinstance(attribute, str) and attribute:
                return self.attribute(first, attribute)
            return None
        if name == "setattr" and len(positional) == 3 and first is not None:
            attribute = text_of(self.boxes[positional[1]])
            value = self.boxes[positional[2]]
            if attribute:
                self.event(self.make("patch", f"setattr {attribute}", self.parts(positional, {})))
                self.set_attribute(positional[0], attribute, value)
                return const(None)
        if name in ("functools.partial", "partial") and first is not None:
            made = Value("partial", "", (first,), OBJECT, self.site)
            made.payload = (first, positional[1:], named)
            return made
        if name in ("joblib.delayed", "dask.delayed") and first is not None:
            return first
        if lib.SAME_FUNCTION.match(name) and first is not None and first.kind in ("fn", "bound"):
            return first
        if name in ("copy.deepcopy", "copy.copy") and first is not None and first.kind == "obj":
            return self._copy(first)
        if name == "dict" and not positional:
            kids = [v for n, b in named.items() for v in (const(n), self.boxes[b])]
            return self.make("dict", "", tuple(kids))
        if name == "dict" and first is not None and first.kind == "dict" and not named:
            return first
        if name == "map" and len(positional) == 2 and first is not None:
            source = self.boxes[positional[1]]
            if first.kind in ("fn", "bound", "partial"):
                element = self.freeze(self.invoke(first, (self.element(source),)))
                return self.make("comp", "list", (element, self.freeze(source)))
        runs = name in ("fire.Fire", "typer.run", "absl.app.run") and first is not None
        if runs and first is not None and first.kind in ("fn", "bound"):
            return self.apply(first, [], {})
        if name == "vars" and first is not None and first.kind in ("ns", "obj"):
            return first
        if name == "next" and first is not None:
            return self.element(first)
        if name == "argparse.Namespace":
            kids = [v for n, b in named.items() for v in (const(n), self.boxes[b])]
            return self.make("dict", "", tuple(kids))
        return None

    def _copy(self, value: Value) -> Value:
        info: ObjectInfo = value.payload
        again = ObjectInfo(self.number(), info.path, info.symbol, info.arguments)
        for (number, name), box in list(self.names.items()):
            if number == info.number:
                self.bind((again.number, name), self.box(self.boxes[box]))
        return Value("obj", str(again.number), (), OBJECT, self.site, payload=again)

    def set_attribute(self, box: int, name: str, value: Value) -> None:
        """See `execute.py`."""
        raise NotImplementedError

    def _method(self, box: int, name: str, node: ast.Call, alone: bool) -> Value:
        """A method that the repository does not define."""
        receiver = self.boxes[box]
        positional, named = self.arguments(node)
        line = (self.frame.facts.path, node.lineno, self.frame.symbol)
        self.site = line
        if name == "add_argument":
            self._add_option(positional, named)
            return const(None)
        if name in ("parse_args", "parse_known_args"):
            names = self.make("ns")
            return names if name == "parse_args" else self.make("seq", "", (names, const(None)))
        if name in ("items", "keys", "values") and receiver.kind == "dict" and not positional:
            pairs = list(zip(receiver.kids[::2], receiver.kids[1::2], strict=True))
            shown = {
                "items": [self.make("seq", "", (k, v)) for k, v in pairs],
                "keys": [k for k, _ in pairs],
                "values": [v for _, v in pairs],
            }[name]
            return self.make("seq", "", tuple(shown))
        if name == "get" and positional and receiver.kind in ("dict", "ns"):
            found = self.item(receiver, self.boxes[positional[0]])
            if found.kind != "item":
                return found
        if name == "format" and (text_of(receiver) or receiver.kind == "text"):
            return self._format(receiver, positional, named)
        if name == "update" and receiver.kind == "dict" and len(positional) == 1:
            other = self.boxes[positional[0]]
            if other.kind == "dict":
                kids = [*receiver.kids, *other.kids]
                self.put(box, self.make("dict", "", tuple(kids)))
                return const(None)
        if name in lib.SAME_METHODS and not (named and name == "clip"):
            same = receiver
            if name in ("eval", "to", "cuda", "cpu", "double", "half", "requires_grad_"):
                if receiver.kind == "obj" and name == "eval":
                    self.bind((receiver.payload.number, "<mode>"), self.box(const("eval")))
                return same
            return self.freeze(same) if receiver.kind != "obj" else same
        if name == "train" and receiver.kind == "obj":
            mode = self.boxes[positional[0]] if positional else const(True)
            known = "eval" if literal(mode) == (False,) else "train"
            self.bind((receiver.payload.number, "<mode>"), self.box(const(known)))
            return receiver
        parts = self.parts(positional, named)
        frozen = self.freeze(receiver)
        if name in lib.PREDICTS:
            return self._predict(receiver, parts, ())
        if name == "split" and lib.SPLITS.search(frozen.head):
            # the rows' values do not matter to a splitter, their labels and groups may
            parts = parts[1:] if len(parts) > 1 else ()
            return self.make("folds", "", (frozen, *parts), DATA)
        flags = 0
        if name in lib.LOAD_METHODS and _reads(frozen):
            flags = LOAD | DATA
        if name in lib.SAMPLERS and not frozen.flags & DATA and frozen.kind != "ref":
            flags |= DATA
        if name in _STEPS_OF:
            parts += self._hooks(_STEPS_OF[name], [*positional, *named.values(), box])
        made = self.make("method", name, (frozen, *parts), flags)
        if name in lib.META_METHODS:
            made.without(DATA | LOAD | PRED)
        self.event(made)
        self._change_receiver(box, name, made, alone)
        self._train_inside(name, made)
        if name in ("fit", "partial_fit"):
            return self.boxes[box]
        return made

    def _hooks(self, names: tuple[str, ...], boxes: list[int]) -> tuple[Value, ...]:
        """What a trainer's evaluation calls back: the steps of a module, and what they log."""
        values = [self.boxes[b] for b in boxes]
        modules = [v for v in values if v.kind == "obj"]
        rows = [v for v in values[:-1] if v.flags & DATA and v.kind != "obj"]
        batch = self.element(rows[0]) if rows else self.make("param", "batch")
        out: list[Value] = []
        for module in modules:
            for name in names:
                step = self.field(module, name)
                if step.kind != "bound" or len(self.stack) > _DEEPEST - 4:
                    continue
                saved, seen = self.save(), len(self.events)
                self.bind((module.payload.number, "<mode>"), self.box(const("eval")))
                given = (batch, self.make("param", "index")) if name.endswith("step") else ()
                result = self.freeze(self.invoke(step, given))
                logged = [
                    k
                    for e in self.events[seen:]
                    if e.value.kind == "method" and e.value.head in ("log", "log_dict", "update")
                    for k in e.value.kids[1:]
                ]
                self.load(saved)
                del self.events[seen:]
                out.append(self.make("hook", name, (result, *logged)))
        return tuple(out)

    def _change_receiver(self, box: int, name: str, made: Value, alone: bool) -> None:
        """Let a method that changes its receiver do so."""
        receiver = self.boxes[box]
        changes = name in lib.FIT or name in lib.MUTATORS or (name.endswith("_") and len(name) > 2)
        if not changes and not alone:
            return
        if receiver.kind in ("const", "fn", "cls", "ns", "module"):
            return
        if not changes and (receiver.kind == "ref" or name in _QUIET_METHODS):
            return
        if receiver.kind == "seq" and name == "append" and len(made.kids) == 2:
            self.put(box, self.make("seq", "", (*receiver.kids, made.kids[1])))
            return
        if receiver.kind == "obj":
            if changes or name in ("load_state_dict", "step"):
                self.bind((receiver.payload.number, f"<{name}>"), self.box(made))
            return
        root = self._root(box)
        changed = self.make("mut", name, made.kids)
        self.put(box, changed)
        if root != box:
            self.put(root, self.make("mut", name, (self.boxes[root], made)))

    def _root(self, box: int) -> int:
        """The box whose value this one is a view of, if a name holds that."""
        value = self.boxes[box]
        while value.kind in ("attr", "item") and value.kids:
            value = value.kids[0]
            for number, held in self.boxes.items():
                if held is value and held.kind not in ("const", "ref"):
                    return number
        return box

    def _train_inside(self, name: str, made: Value) -> None:
        """Let objects that a call trains remember what they were trained on."""
        if name not in lib.FIT and name not in ("backward", "train", "manual_backward"):
            return
        models = [
            v.payload
            for v in walk(made)
            if v.kind == "inst" and v.payload is not None and _learns(self, v.payload.payload)
        ]
        seen: set[int] = set()
        for model in models:
            info: ObjectInfo = model.payload
            if info.number not in seen:
                seen.add(info.number)
                trained = self.make("trained", "", (made,))
                self.bind((info.number, "<trained>"), self.box(trained))
        for v in walk(made):
            if v.kind == "pred" and v.kids[0].kind not in ("inst", "function"):
                model = v.kids[0]
                for number, held in list(self.boxes.items()):
                    if held is model:
                        self.put(number, self.make("mut", "backward", (model, made)))

    def _add_option(self, positional: list[int], named: dict[str, int]) -> None:
        flags = [text_of(self.boxes[b]) for b in positional]
        long = next((f for f in flags if f.startswith("--")), flags[0] if flags else "")
        name = text_of(self.boxes[named["dest"]]) if "dest" in named else _option_name(long)
        default: tuple[Value, ...] = ()
        action = text_of(self.boxes[named["action"]]) if "action" in named else ""
        if "default" in named:
            default = (self.boxes[named["default"]],)
        elif action == "store_true":
            default = (const(False),)
        elif action == "store_false":
            default = (const(True),)
        elif long.startswith("-"):
            default = (const(None),)
        if name:
            self.options[name] = default

    def _format(self, receiver: Value, positional: list[int], named: dict[str, int]) -> Value:
        parts: list[Value] = []
        values = [self.boxes[b] for b in positional]
        text, at = text_of(receiver), 0
        for number, piece in enumerate(text.split("{")):
            if number == 0:
                parts.append(const(piece, self.site))
                continue
            field, _, rest = piece.partition("}")
            name, _, spec = field.partition(":")
            value: Value | None = None
            if name in named:
                value = self.boxes[named[name]]
            elif name.isdigit() and int(name) < len(values):
                value = values[int(name)]
            elif not name and at < len(values):
                value, at = values[at], at + 1
            inner = value if value is not None else self.make("name", field)
            if spec:
                inner = self.make("format", "", (self.freeze(inner), const(spec)))
            parts += [inner, const(rest, self.site)]
        return self.text(tuple(p for p in parts if literal(p) != ("",)))


_STEPS_OF = {
    "test": ("test_step", "on_test_epoch_end", "test_epoch_end"),
    "validate": ("validation_step", "on_validation_epoch_end", "validation_epoch_end"),
    "evaluate": ("test_step", "compute_metrics", "evaluation_loop"),
}
"""Methods of a module that a trainer calls back when it evaluates."""

_QUIET_METHODS = {
    "write", "close", "flush", "step", "zero_grad", "set_description", "set_postfix", "info",
    "log", "add_scalar", "backward", "save", "to_csv", "savefig", "plot", "debug", "warning",
    "print", "mkdir", "write_text", "dump", "writerow", "update_", "record", "head", "tail",
    "describe", "value_counts", "hist", "summary", "show", "imshow", "scatter", "unlink", "watch",
}  # fmt: skip


def _loss(value: Value, asked: tuple[Value, ...]) -> bool:
    """True for a loss that a model's code computes of its answers and of labels it was given."""
    given = {k.key for part in asked[1:] for k in walk(part) if k.flags & DATA or k.kind == "param"}
    for part in walk(value, lambda v: v.kind == "pred" and bool(v.head)):
        if part.kind in ("call", "method") and _LOSS_NAME.search(part.head):
            if part.flags & PRED and any(k.key in given for k in walk(part)):
                return True
        if part.kind == "method" and part.head == "__call__" and part.flags & METRIC:
            if any(k.key in given for k in walk(part)):
                return True
    return False


_LOSS_NAME = re.compile(r"(loss|entropy|nll|mse|l1|criterion|ctc|bce|kl_div)", re.IGNORECASE)


def _is_super(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id == "super"


def _constructor(value: Value) -> str:
    """The name of the class that made a value, through what happened to it since."""
    while value.kind in ("carried", "mut", "phi", "loop", "set") and value.kids:
        value = value.kids[1] if value.kind == "phi" else value.kids[0]
    return value.head if value.kind == "call" else ""


def _option_name(flag: str) -> str:
    return flag.lstrip("-").split("/")[0].replace("-", "_")


def _learns(machine: Expressions, info: ObjectInfo) -> bool:
    names = machine.outer_bases(info.path, info.symbol)
    if any(lib.MODEL_BASES.search(n) or lib.ESTIMATORS.search(n) for n in names):
        return True
    symbols = machine.program.facts(info.path).symbols
    return any(f"{info.symbol}.{m}" in symbols for m in ("forward", "fit"))


def _configuration(name: str, parts: tuple[Value, ...]) -> bool:
    """True for a read of settings, which hold no rows."""
    texts = [text_of(v) for p in parts for v in walk(p)]
    joined = " ".join(t for t in texts if t)
    mode = text_of(parts[1]) if len(parts) > 1 else ""
    if name in ("open", "io.open") and mode[:1] in ("w", "a", "x"):
        return True
    if any(t.endswith((".yaml", ".yml", ".toml", ".ini", ".cfg")) for t in texts):
        return True
    return name.startswith(("json", "open")) and bool(lib.CONFIG_NAMES.search(joined))


def _reads(receiver: Value) -> bool:
    found = receiver.head if receiver.kind in ("call", "ref") else ""
    return "Path" in found or receiver.kind == "op" or bool(receiver.flags & LOAD)
