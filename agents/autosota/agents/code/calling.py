"""Symbolic execution, part four: calls of the repository's own functions and classes.

They are executed where they are called, in a frame of their own. Calls of models become `pred`
values: what is asked of whom, with what the model's own code did kept inside, apart.
"""

from __future__ import annotations

import ast
import re

from autosota.agents.code import libraries as lib
from autosota.agents.code.fingerprint import fingerprint, local_names
from autosota.agents.code.freezing import DEEPEST, learns
from autosota.agents.code.learners import methods_of
from autosota.agents.code.models import is_model
from autosota.agents.code.outside import Outside, option_name
from autosota.agents.code.state import Frame, FunctionInfo, ObjectInfo
from autosota.agents.code.values import (
    DATA,
    ENV,
    METRIC,
    OBJECT,
    OPTION,
    PRED,
    SEED,
    TRAINED,
    Value,
    const,
    walk,
)


class Calling(Outside):
    """Executes calls."""

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
                kept = self._of_a_kept_model(receiver, function.attr, node)
                if kept is not None:
                    return kept
                return self.method(receiver_box, function.attr, node, alone)
        else:
            target = self.value(function)
        return self.apply(target, *self.arguments(node))

    def _of_a_kept_model(self, receiver: Value, name: str, node: ast.Call) -> Value | None:
        """An answer of a model of the repository that was kept in a variable, a tuple, a file."""
        one_of = receiver.kind == "call" and receiver.head in ("min", "max", "sorted")
        if receiver.kind not in ("loop", "phi", "item", "carried") and not one_of:
            return None
        if name in lib.FIT:
            return None
        frozen = self.freeze(receiver)
        held = next(
            (v.payload for v in walk(frozen, lambda v: v.kind in ("pred", "inst", "mut"))
             if v.kind == "inst" and v.payload is not None and learns(self, v.payload.payload)),
            None,
        )  # fmt: skip
        if held is None or not is_model(frozen):
            return None
        method = self.field(held, name)
        if method.kind != "bound" or lib.FITS_OR_JUDGES.search(name):
            return None
        positional, named = self.arguments(node)
        parts = self.parts(positional, named)
        inside = self.freeze(self.apply(method, positional, named))
        return self.predict(receiver, parts, (inside,))

    def _target(self, receiver: Value, name: str) -> Value | None:
        """What `receiver.name` is when that can be called directly; None: a library's method."""
        if receiver.kind in ("ref", "module", "cls"):
            return self.attribute(receiver, name)
        if receiver.kind == "obj":
            found = self.field(receiver, name)
            if found.kind != "attr":
                return found
        if receiver.kind == "ns" and name in self.defaults:
            return self.defaults[name]
        if receiver.kind == "phi":
            for kid in receiver.kids[1:]:
                if kid.kind == "obj" and (found := self.field(kid, name)).kind == "bound":
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
        if target.kind == "tuple_class":
            return self.named_tuple(target.payload, positional, named)
        if target.kind == "ref":
            return self.library(target.head, positional, named)
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
        return self.predict(target, parts, ())

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
        known = positional and self.boxes[positional[-1]].kind in ("dict", "seq", "const")
        recursive = sum(f.node is info.node for f in self.stack) > (_RECURSIVE if known else 1)
        if recursive or len(self.stack) > DEEPEST:
            made = self.make("call", f"again:{function.head}", self.parts(positional, named))
            return made
        frame = Frame(self.number(), info.facts, info.symbol, info.module, info.outer)
        frame.owner, frame.itself, frame.node = info.owner, owner, info.node
        self.ran.add((info.facts.path, info.symbol))
        self._bind_parameters(frame, info, positional, named)
        site = self.site
        result = self.run_body(frame, info)
        self.site = site
        if isinstance(info.node, ast.Lambda):
            return result
        if (
            owner is not None
            and owner.kind == "obj"
            and name in _PLAYS
            and plays(self, owner.payload)
        ):
            return self._played(result)
        asked = positional[1:] if owner is not None else positional
        if result.kind in ("const", "obj", "seq", "dict") or not asked:
            return result
        is_answer = owner is not None and owner.kind == "obj" and name in lib.PREDICTS
        if is_answer and owner is not None and learns(self, owner.payload):
            return self.predict(owner, self.parts(asked, named), (self.freeze(result),))
        if result.flags & PRED and self._asks_inside(owner, result):
            outer = (v for v in walk(result, lambda v: v.kind == "pred") if v.kind == "pred")
            if owner is None and lib.PREDICT_NAME.match(name) and any(v.head for v in outer):
                return self._by_weights(asked, named, result)
            return result
        learned = owner is not None and owner.kind == "obj" and self._answers(owner, name, result)
        if learned:
            return self.predict(owner, self.parts(asked, named), (self.freeze(result),))
        if lib.PREDICT_NAME.match(name):
            return self._by_weights(asked, named, result)
        return result

    def _played(self, result: Value) -> Value:
        """What an environment of the repository answers."""
        if result.kind == "seq":
            return self.make("seq", "", tuple(self._played(k) for k in result.kids))
        return self.make("played", "", (self.freeze(result),), ENV | DATA)

    def _asks_inside(self, owner: Value | None, result: Value) -> bool:
        """True when a result holds a model's answer that is not part of what the owner is."""
        if owner is None or owner.kind != "obj":
            return True
        number = owner.payload.number
        held = [b for (at, _), b in self.names.items() if at == number]  # freezing adds names
        own = {self.freeze(self.boxes[b]).key for b in held}
        found = walk(result, lambda v: v.key in own or v.kind == "pred")
        return any(v.kind == "pred" and v.key not in own for v in found)

    def _by_weights(self, asked: list[int], named: dict[str, int], result: Value) -> Value:
        """A prediction by a plain function: the weights it is given are the model."""
        weights = [b for b in asked if self.boxes[b].flags & TRAINED]
        rest = [b for b in asked if b not in weights]
        if not weights or not rest:
            weights, rest = [], asked
        model = self.make("weights", "", self.parts(weights, {})) if weights else None
        return self.predict(model, self.parts(rest, named), (self.freeze(result),))

    def _answers(self, owner: Value, name: str, result: Value) -> bool:
        """True when a method of something that learns gives what was learned of its arguments."""
        scores = name == "score" and self._only_scores(owner)
        if (lib.FITS_OR_JUDGES.search(name) and not scores) or not result.flags & (DATA | TRAINED):
            return False
        return learns(self, owner.payload)

    def _only_scores(self, owner: Value) -> bool:
        """True for a class whose answer is a score: it has no `predict` that is judged by it."""
        info: ObjectInfo = owner.payload
        names = {
            n
            for path, symbol in self.lineage(info.path, info.symbol)
            for n in methods_of(self.program.facts(path), symbol)
        }
        return not any(
            n.startswith("predict") or n in ("forward", "decision_function") for n in names
        )

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
        composed = self.of_hydra(info)
        if composed is not None:
            return composed
        flags = OPTION | (SEED if "seed" in name.lower() else 0)
        if name in self.given:
            return self.make("option", f"{name}={self.given[name]}", (), flags)
        for decorator in getattr(info.node, "decorator_list", ()):
            if not isinstance(decorator, ast.Call):
                continue
            flag = [a.value for a in decorator.args if isinstance(a, ast.Constant)]
            if any(isinstance(f, str) and option_name(f) == name for f in flag):
                for keyword in decorator.keywords:
                    if keyword.arg == "default":
                        default = self._default(info, keyword.value)
                        return self.make("option", name, (default,), flags)
        return self.make("option", name, (), flags)

    def construct(self, cls: Value, positional: list[int], named: dict[str, int]) -> Value:
        """An object of a class of the repository."""
        path, symbol = cls.payload
        self.ran.update(self.lineage(path, symbol))
        if "dict" in self.outer_bases(path, symbol):
            given = self.library("dict", positional, named)
            if given.kind == "dict":
                return given
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
        if any(b.endswith("NamedTuple") for b in self.outer_bases(path, symbol)):
            defaults = {n: self.box(self.field(made, n)) for n in names if n not in named}
            return self.named_tuple(tuple(names), positional, defaults | named)
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
            if owner is not None and owner.kind == "obj":
                for keyword, box in named.items():
                    if (owner.payload.number, keyword) not in self.names:
                        self.bind((owner.payload.number, keyword), box)
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
                if not bases and name == "__call__" and not learns(self, info):
                    return inside
                return self._answers_of(before, parts, inside)
        return self.predict(self.freeze(target), self.parts(positional, named), ())

    def _answers_of(self, model: Value, parts: tuple[Value, ...], inside: Value) -> Value:
        """What a model's own code returns: its answers, and losses it computes of them."""
        if inside.kind not in ("seq", "dict"):
            return inside if _loss(inside, parts) else self.predict(model, parts, (inside,))
        answers = [
            None
            if (inside.kind == "dict" and at % 2 == 0) or _loss(kid, parts)
            else self.predict(model, parts, (kid, const(at)))
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


_RECURSIVE = 5
"""How deep a function that calls itself is followed through things that are spelled out."""

_PLAYS = {"step", "reset", "observe"}


def plays(machine: Calling, info: ObjectInfo) -> bool:
    """True for an object of a class that can be reset and stepped: an environment."""
    names = {
        n
        for path, symbol in machine.lineage(info.path, info.symbol)
        for n in methods_of(machine.program.facts(path), symbol)
    }
    return {"step", "reset"} <= names and not names & {"fit", "forward", "train", "learn"}


_LOSS_NAME = re.compile(r"(loss|entropy|nll|mse|l1|criterion|ctc|bce|kl_div)", re.IGNORECASE)


def _loss(value: Value, asked: tuple[Value, ...]) -> bool:
    """True for a loss that a model's code computes of its answers and of labels it was given."""
    given = {k.key for part in asked[1:] for k in walk(part) if k.flags & DATA or k.kind == "param"}
    for part in walk(value, lambda v: v.kind == "pred" and bool(v.head)):
        named = part.kind in ("call", "method") and _LOSS_NAME.search(part.head)
        measured = part.kind == "method" and part.head == "__call__" and part.flags & METRIC
        if ((named and part.flags & PRED) or measured) and any(k.key in given for k in walk(part)):
            return True
    return False


def _is_super(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id == "super"


def _constructor(value: Value) -> str:
    """The name of the class that made a value, through what happened to it since."""
    while value.kind in ("carried", "mut", "phi", "loop", "set") and value.kids:
        value = value.kids[1] if value.kind == "phi" else value.kids[0]
    return value.head if value.kind == "call" else ""
