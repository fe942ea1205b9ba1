"""Symbolic execution, part five: statements, modules and a whole command.

Runs the Python that a command starts, with every value an expression: all branches, loops as
"what a turn changes", functions where they are called. The result is the list of events (calls
that reached a library) in order, each with values that say how their arguments were computed.
Bounded by a number of steps; past it the rest is unknown, and said so.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from autosota.agents.code.calling import Calling
from autosota.agents.code.command import Entry
from autosota.agents.code.expressions import EMPTY, OPERATORS, TooLarge
from autosota.agents.code.facts import MODULE, Binding, FileFacts
from autosota.agents.code.memo import remembered_away
from autosota.agents.code.program import Program
from autosota.agents.code.state import Event, Frame, FunctionInfo, Jump, Key
from autosota.agents.code.stored import FILES, normal
from autosota.agents.code.values import CARRIED, DATA, PRED, Value, const, literal, text_of, walk

_STEPS = 60_000
_UNROLL = 12


@dataclass(slots=True)
class Execution:
    """What a command does, as far as it could be followed."""

    entries: tuple[Entry, ...] = ()
    scripts: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ()
    events: list[Event] = field(default_factory=list)
    files: tuple[str, ...] = ()
    patched: dict[str, Value] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    ran: frozenset[tuple[str, str]] = frozenset()
    """Functions and classes (path, name) that were called, as far as it was followed."""
    reads_back: bool = False
    """Whether it reads a file that an earlier command wrote."""
    settings: frozenset[str] = frozenset()
    """Settings files whose content was followed like code."""


def execute(program: Program, command: str, steps: int = _STEPS) -> Execution:
    """Follow a command through the program, symbolically."""
    return follow(program, (command,), steps)[0]


def follow(program: Program, commands: Sequence[str], steps: int = _STEPS) -> list[Execution]:
    """Follow commands one after the other: the later ones read what the earlier ones wrote."""
    machine = _Machine(program, steps)
    out: list[Execution] = []
    for command in commands:
        started = program.started(command)
        one = Execution(tuple(started.entries), tuple(started.scripts), tuple(started.recipes))
        machine.reads_back = False
        machine.ran = set()
        machine.settings = set()
        unknown = list(started.unclear)
        files: set[str] = set()
        for entry in started.entries:
            machine.restart(steps)
            try:
                machine.run(entry)
            except TooLarge:
                unknown.append(f"{entry.path} does more than was followed")
            except RecursionError:
                unknown.append(f"{entry.path} is nested too deeply to follow")
            if entry.output:
                machine.keep_output(entry.output)
            one.events += machine.events
            one.patched.update(machine.patched)
            files.update(machine.modules)
        files.update(program.reachable(e.path for e in started.entries))
        one.files = tuple(sorted(files))
        one.reads_back = machine.reads_back
        one.ran = frozenset(machine.ran)
        one.settings = frozenset(machine.settings)
        one.unknown = (*unknown, *program.dynamic(one.files))
        out.append(one)
    return out


class _Machine(Calling):
    def __init__(self, program: Program, steps: int) -> None:
        super().__init__(program, steps)
        self.modules: dict[str, Frame] = {}
        self.jumps: list[list[Jump]] = []
        self.entry = ""
        self.bodies: dict[int, list[ast.stmt]] = {}
        """By the identity of functions, which live as long as their files' facts."""

    def restart(self, steps: int) -> None:
        """Forget a process that has ended, but not the files it wrote."""
        self.steps = steps
        self.modules, self.events, self.patched = {}, [], {}
        self.options, self.given, self.defaults = {}, {}, {}
        self.words, self.expected, self.subcommands = [], [], False
        self.argv = []
        self.stack, self.loops, self.jumps = [], [], []
        self.in_statement = False
        self.__dict__.pop("frame", None)

    # ---------------------------------------------------------------- modules

    def run(self, entry: Entry) -> None:
        """Run an entry point."""
        words = list(entry.arguments)
        self.argv = [entry.path, *words]
        taken = False
        for at, word in enumerate(words):
            if word.startswith("-"):
                name, sign, value = word.lstrip("-").partition("=")
                follows = words[at + 1] if at + 1 < len(words) else ""
                taken = not sign and not follows.startswith("-")
                self.given[name.replace("-", "_")] = value if sign else follows if taken else ""
                continue
            if "=" in word and not taken:
                name, _, value = word.partition("=")
                self.given[name.lstrip("+")] = value
            elif not taken:
                self.words.append(word)
            taken = False
        self.entry = entry.path
        self.module_frame(entry.path)

    def keep_output(self, path: str) -> None:
        """What was printed is in a file now."""
        lines = [k for e in self.events if prints_to_output(e.value) for k in e.value.positional]
        content = self.make("lines", "", tuple(lines))
        self.bind((FILES, normal(path)), self.box(content))

    def module_frame(self, path: str) -> Frame | None:
        """The frame of a module, executed on its first import."""
        frame = self.modules.get(path)
        if frame is not None or path not in self.program.python:
            return frame
        facts = self.program.facts(path)
        frame = Frame(self.number(), facts, MODULE, None)
        self.modules[path] = frame
        name = "__main__" if path == self.entry else path.removesuffix(".py").replace("/", ".")
        self.bind((frame.number, "__name__"), self.box(const(name)))
        self.bind((frame.number, "__file__"), self.box(const(path)))
        previous = getattr(self, "frame", None)
        site, in_statement, loops = self.site, self.in_statement, self.loops
        self.frame, self.loops = frame, []
        self.stack.append(frame)
        self.block(facts.tree.body)
        self.stack.pop()
        self.loops = loops
        if previous is not None:
            self.frame = previous
        self.site, self.in_statement = site, in_statement
        return frame

    def run_body(self, frame: Frame, info: FunctionInfo) -> Value:
        """Run a function's body in its own frame and give what it returns."""
        previous, self.frame = self.frame, frame
        in_statement, self.in_statement = self.in_statement, False
        self.stack.append(frame)
        jumps, self.jumps = self.jumps, []
        try:
            if isinstance(info.node, ast.Lambda):
                return self.value(info.node.body)
            left = self.block(self._body(info.node, info.facts))
            exits = frame.exits
            if left == "return" and exits and len(frame.returns[-1][0]):
                exits = exits[:-1]
            for jump in reversed(exits):
                # what was changed before an early return stays changed only then
                self.merge(jump.condition, (jump.names, jump.boxes), self.save())
        finally:
            self.stack.pop()
            self.frame, self.in_statement, self.jumps = previous, in_statement, jumps
        if frame.yields:
            return self.make("gen", "", tuple(self.freeze(y) for y in frame.yields))
        if not frame.returns:
            return const(None)
        result = frame.returns[-1][1]
        for conditions, value in reversed(frame.returns[:-1]):
            if value.key == result.key:
                continue
            condition = self.all_of(conditions)
            result = self.phi(condition, value, result)
        return result

    def _body(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef, facts: FileFacts
    ) -> list[ast.stmt]:
        """A function's statements, without the dictionary it may remember its answers in."""
        found = self.bodies.get(id(node))
        if found is None:
            found = self.bodies[id(node)] = remembered_away(node, facts.tree)
        return found

    def all_of(self, conditions: tuple[Value, ...]) -> Value:
        """One condition for several."""
        if len(conditions) == 1:
            return conditions[0]
        return self.make("bool", "and", conditions)

    # ---------------------------------------------------------------- statements

    def block(self, statements: list[ast.stmt]) -> str:
        """Run statements; the word says how the block was left, '' when at its end."""
        for statement in statements:
            self.steps -= 1
            if self.steps < 0:
                raise TooLarge
            self.site = (self.frame.facts.path, statement.lineno, self.frame.symbol)
            method = getattr(self, f"_s_{type(statement).__name__}", None)
            left = method(statement) if method is not None else ""
            if left:
                return str(left)
        return ""

    def _s_Expr(self, node: ast.Expr) -> str:
        called = node.value.func if isinstance(node.value, ast.Call) else None
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.IfExp):
            return self._s_If(_to_one_of_two(node, called.value))
        self.in_statement = True
        value = self.value(node.value)
        self.in_statement = False
        if value.kind == "call" and value.head in ("sys.exit", "exit", "quit", "os._exit"):
            return "exit"
        return ""

    def _s_Assign(self, node: ast.Assign) -> str:
        shared = isinstance(node.value, ast.Name | ast.Attribute)
        box = self.boxed(node.value) if shared else self.box(self.value(node.value))
        for target in node.targets:
            self.assign(target, self.boxes[box], box)
        return ""

    def _s_AnnAssign(self, node: ast.AnnAssign) -> str:
        if node.value is not None:
            self.assign(node.target, self.value(node.value))
        return ""

    def _s_AugAssign(self, node: ast.AugAssign) -> str:
        before = self.value(node.target)
        right = self.value(node.value)
        operator = OPERATORS[type(node.op)]
        if before.kind == "seq" and right.kind == "seq" and operator == "+" and not self.loops:
            made = self.make("seq", "", (*before.kids, *right.kids))
        else:
            made = self.operate(operator, before, right)
        if isinstance(node.target, ast.Name) and before.flags & DATA and not before.flags & PRED:
            box = self.find_box(node.target.id)
            if box is not None:
                self.put(box, made)
                return ""
        self.assign(node.target, made)
        return ""

    def assign(self, target: ast.expr, value: Value, box: int | None = None) -> None:
        """Let a target hold a value; a plain name may share the value's box."""
        if isinstance(target, ast.Name):
            frame = self.frame
            if target.id in frame.outside:
                known = self.find_box(target.id)
                home = frame.module or frame
                if known is not None and not self._is_global(target.id):
                    self.put(known, value)
                    return
                self.bind((home.number, target.id), self.box(value))
                return
            self.bind((frame.number, target.id), box if box is not None else self.box(value))
        elif isinstance(target, ast.Tuple | ast.List):
            starred = False
            for at, part in enumerate(target.elts):
                behind = at + 1 - len(target.elts)
                if isinstance(part, ast.Starred):
                    end = const(behind) if behind else const(None)
                    rest = self.make("slice", "", (const(at), end, const(None)))
                    self.assign(part.value, self.item(value, rest))
                    starred = True
                else:
                    place = behind - 1 if starred else at
                    self.assign(part, self.item(value, const(place)))
        elif isinstance(target, ast.Attribute):
            holder = self.boxed(target.value)
            self.set_attribute(holder, target.attr, value, box)
        elif isinstance(target, ast.Subscript):
            self._set_item(target, value)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, value)

    def _is_global(self, name: str) -> bool:
        home = self.frame.module or self.frame
        return (home.number, name) in self.names

    def set_attribute(self, box: int, name: str, value: Value, own: int | None = None) -> None:
        """`holder.name = value`, also for modules, classes and libraries."""
        holder = self.boxes[box]
        if holder.kind == "obj":
            number = holder.payload.number
            self.bind((number, name), own if own is not None else self.box(value))
        elif holder.kind == "module":
            self.bind((holder.payload, name), self.box(value))
        elif holder.kind == "cls":
            path, symbol = holder.payload
            self.patched[f"{path}::{symbol}.{name}"] = value
        elif holder.kind == "ref":
            self.patched[f"{holder.head}.{name}"] = value
            self.event(self.make("patch", f"{holder.head}.{name}", (self.freeze(value),)))
        elif holder.kind == "dict" and any(text_of(k) == name for k in holder.kids[::2]):
            kids = list(holder.kids)
            at = next(n for n in range(0, len(kids), 2) if text_of(kids[n]) == name)
            kids[at + 1] = value
            self.change(box, self.make("dict", "", tuple(kids)))
        else:
            parts = (self.freeze(holder), const(name), self.freeze(value))
            self._rewrite(box, self.make("set", "attr", parts))

    def _rewrite(self, box: int, made: Value) -> None:
        """Put a changed value back, into the whole when the box holds a view of it."""
        root = self._root(box)
        whole = self.boxes[root]
        self.change(box, made)
        if root != box:
            self.change(root, self.make("set", "part", (whole, made)))

    def _set_item(self, target: ast.Subscript, value: Value) -> None:
        index = self.value(target.slice)
        box = self.boxed(target.value)
        base = self.boxes[box]
        if base.kind == "dict" and literal(index):
            kids = list(base.kids)
            for at in range(0, len(kids), 2):
                if kids[at].key == index.key:
                    kids[at + 1] = value
                    break
            else:
                kids += [index, value]
            made = self.make("dict", "", tuple(kids))
            self.change(box, made)
            self._within_others(base, made)
            return
        if base.kind == "call" and base.head in ("globals", "locals") and text_of(index):
            home = self.frame.module or self.frame
            self.bind((home.number, text_of(index)), self.box(value))
            return
        if base.kind == "ref":
            self.event(self.make("patch", f"{base.head}[]", (index, self.freeze(value))))
            return
        parts = (self.freeze(base), self.freeze(index), self.freeze(value))
        self._rewrite(box, self.make("set", "item", parts))

    def _within_others(self, old: Value, made: Value) -> None:
        """Let dictionaries and lists that hold a dictionary hold it as it is now."""
        for number, held in list(self.boxes.items()):
            if held.kind in ("dict", "seq") and held is not made:
                changed = _with_in_place(held, old, made, 0)
                if changed is not held:
                    self.boxes[number] = changed

    def _s_Delete(self, node: ast.Delete) -> str:
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                box = self.boxed(target.value)
                parts = (self.freeze(self.boxes[box]), self.freeze(self.value(target.slice)))
                self._rewrite(box, self.make("del", "", parts))
        return ""

    def _s_Global(self, node: ast.Global) -> str:
        self.frame.outside.update(node.names)
        return ""

    def _s_Nonlocal(self, node: ast.Nonlocal) -> str:
        for name in node.names:
            outer = self.frame.outer
            while outer is not None and (outer.number, name) not in self.names:
                outer = outer.outer
            if outer is not None:
                self.bind((self.frame.number, name), self.names[outer.number, name])
        return ""

    def _s_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
        facts, frame = self.frame.facts, self.frame
        outer = frame if frame.module is not None else None
        inside = frame.symbol != MODULE
        symbol = f"{frame.symbol}.{node.name}" if inside else node.name
        info = FunctionInfo(node, facts, symbol, frame.module or frame, outer)
        value = self.function(info)
        for decorator in reversed(node.decorator_list):
            target = decorator.func if isinstance(decorator, ast.Call) else decorator
            if not isinstance(target, ast.Name) or self.find_box(target.id) is None:
                continue
            wrapper = self.value(decorator)
            if wrapper.kind == "fn":
                value = self.invoke(wrapper, (value,))
        self.bind((frame.number, node.name), self.box(value))
        return ""

    _s_AsyncFunctionDef = _s_FunctionDef

    def _s_ClassDef(self, node: ast.ClassDef) -> str:
        facts, frame = self.frame.facts, self.frame
        symbol = f"{frame.symbol}.{node.name}" if frame.symbol != MODULE else node.name
        if symbol in facts.symbols:
            made = self.make_class(facts.path, symbol)
            self.bind((frame.number, node.name), self.box(made))
        return ""

    def _s_Import(self, node: ast.Import) -> str:
        for alias in node.names:
            path = self.program.module(alias.name, self.frame.facts.path)
            name = alias.asname or alias.name.partition(".")[0]
            if path:
                self._bind_module(name, alias.name, path, bool(alias.asname))
                continue
            whole = alias.name if alias.asname else name
            self.bind((self.frame.number, name), self.box(self.make("ref", whole)))
        return ""

    def _bind_module(self, name: str, dotted: str, path: str, renamed: bool) -> None:
        frame = self.module_frame(path)
        if frame is None:
            return
        if "." in dotted and not renamed:
            top = self.program.module(dotted.partition(".")[0], self.frame.facts.path)
            parts = dotted.split(".")
            if top and (outer := self.module_frame(top)) is not None:
                inner = Value("module", path, (), 0, self.site, payload=frame.number)
                self.bind((outer.number, parts[-1]), self.box(inner))
                frame, path = outer, top
            else:
                self._namespace(name, parts, path, frame)
                return
        made = Value("module", path, (), 0, self.site, payload=frame.number)
        self.bind((self.frame.number, name), self.box(made))

    def _namespace(self, name: str, parts: list[str], path: str, frame: Frame) -> None:
        """`import pkg.mod` where pkg has no `__init__.py`."""
        inner = Value("module", path, (), 0, self.site, payload=frame.number)
        for part in reversed(parts[1:]):
            number = self.number()
            self.bind((number, part), self.box(inner))
            inner = Value("module", part, (), 0, self.site, payload=number)
        self.bind((self.frame.number, name), self.box(inner))

    def _s_ImportFrom(self, node: ast.ImportFrom) -> str:
        base, source = node.module or "", self.frame.facts.path
        path = self.program.module(base, source, node.level)
        frame = self.module_frame(path) if path else None
        for alias in node.names:
            binding = Binding(alias.asname or alias.name, alias.name, node.level, 0, True)
            whole = f"{base}.{alias.name}" if base else alias.name
            as_module = self.program.module(whole, source, node.level)
            key = (self.frame.number, binding.name)
            if frame is not None and alias.name == "*":
                for (number, name), box in list(self.names.items()):
                    if number == frame.number and not name.startswith("_"):
                        self.bind((self.frame.number, name), box)
            elif frame is not None and (frame.number, alias.name) in self.names:
                self.bind(key, self.names[frame.number, alias.name])
            elif as_module and (inner := self.module_frame(as_module)) is not None:
                made = Value("module", as_module, (), 0, self.site, payload=inner.number)
                self.bind(key, self.box(made))
            elif alias.name != "*":
                self.bind(key, self.box(self.make("ref", whole)))
        return ""

    def _s_Return(self, node: ast.Return) -> str:
        value = self.value(node.value)
        conditions = tuple(self.frame.conditions)
        self.frame.returns.append((conditions, value))
        if conditions:
            names, boxes = self.save()
            self.frame.exits.append(Jump("return", self.all_of(conditions), names, boxes))
        return "return"

    def _s_Raise(self, node: ast.Raise) -> str:
        return "raise"

    def _s_Assert(self, node: ast.Assert) -> str:
        self.value(node.test)
        return ""

    def _s_Break(self, node: ast.Break) -> str:
        return self._jump("break")

    def _s_Continue(self, node: ast.Continue) -> str:
        return self._jump("continue")

    def _jump(self, kind: str) -> str:
        if self.jumps:
            condition = self.all_of(tuple(self.frame.conditions))
            names, boxes = self.save()
            self.jumps[-1].append(Jump(kind, condition, names, boxes))
        return kind

    # ---------------------------------------------------------------- branches

    def _s_If(self, node: ast.If) -> str:
        condition = self.freeze(self.value(node.test))
        known = self.truth(condition)
        if known is not None:
            return self.block(node.body if known else node.orelse)
        conditions = self.frame.conditions
        opposite = self.make("op", "not", (condition,))
        before, depth = self.save(), len(conditions)
        conditions.append(condition)
        first = self.block(node.body)
        yes = self.save()
        del conditions[depth:]
        self.load(before)
        conditions.append(opposite)
        second = self.block(node.orelse)
        no = self.save()
        del conditions[depth:]
        if first and second:
            return first if first == second else "return"
        if first:
            if first != "raise" or condition.flags & (DATA | PRED):
                conditions.append(opposite)
            return ""
        if second:
            self.load(yes)
            if second != "raise" or condition.flags & (DATA | PRED):
                conditions.append(condition)
            return ""
        self.merge(condition, yes, no)
        return ""

    def _s_Try(self, node: ast.Try) -> str:
        before = self.save()
        conditions = self.frame.conditions
        left = self.block(node.body) or self.block(node.orelse)
        for handler in node.handlers:
            caught = self.frame.facts.dotted(handler.type) if handler.type is not None else ""
            if caught in ("ImportError", "ModuleNotFoundError", "KeyboardInterrupt"):
                continue
            condition = self.make("raised", caught or "any")
            after = self.save()
            self.load(before)
            conditions.append(condition)
            how = self.block(handler.body)
            conditions.pop()
            handled = self.save()
            if how in ("raise", "exit"):
                self.load(after)
            elif left or how:
                self.load(after if not left else handled)
                left = left if how else ""
            else:
                self.load(after)
                self.merge(condition, handled, after)
        final = self.block(node.finalbody)
        return final or left

    def _s_With(self, node: ast.With) -> str:
        suppressed: Value | None = None
        for item in node.items:
            value = self.value(item.context_expr)
            if value.kind == "call" and value.head.endswith("suppress"):
                suppressed = self.make("raised", "suppressed", value.kids)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value)
        before = self.save()
        left = self.block(node.body)
        if suppressed is not None:
            after = self.save()
            self.load(after)
            self.merge(suppressed, before, after)
        return left

    # ---------------------------------------------------------------- loops

    def _s_For(self, node: ast.For) -> str:
        source = self.value(node.iter)
        if source.kind == "option" and len(source.kids) == 1:
            source = source.kids[0]
        if source.kind == "seq" and source.payload == EMPTY:
            return self.block(node.orelse)
        if source.kind == "seq" and 0 < len(source.kids) <= _UNROLL and not _jumps(node.body):
            for kid in source.kids:
                self.assign(node.target, kid)
                left = self.block(node.body)
                if left:
                    return left if left in ("return", "exit") else ""
            return self.block(node.orelse)
        counted = source.kind == "call" and source.head == "enumerate" and source.kids
        frozen = self.freeze(source.kids[0] if counted else source)

        def turn() -> str:
            self.assign(node.target, self.element(source))
            return self.block(node.body)

        self._loop(turn, frozen)
        return self.block(node.orelse)

    def _s_While(self, node: ast.While) -> str:
        condition = self.make("while")

        def turn() -> str:
            inner = self.freeze(self.value(node.test))
            self.frame.conditions.append(self.make("while", "", (inner,)))
            left = self.block(node.body)
            return left

        self._loop(turn, condition)
        return self.block(node.orelse)

    def _loop(self, turn: Callable[[], str], source: Value) -> None:
        """Run a body twice: to see what it changes, and to see how."""
        before, seen = self.save(), len(self.events)
        start = {k: self.boxes[b] for k, b in before[0].items() if b in before[1]}
        depth = len(self.frame.conditions)
        options, given = dict(self.options), len(self.frame.yields)
        self.loops.append(source)
        self._turn(turn)
        changed = {k for k, v in start.items() if self.get(k) is not v}
        held = {b: v for b, v in before[1].items() if self.boxes.get(b) is not v}
        after_one = self.save()
        del self.events[seen:]
        del self.frame.conditions[depth:]
        del self.frame.yields[given:]
        self.load(before)
        self.options = options
        for box, value in held.items():
            self.put(box, _carried(self, value))
        for key in changed:
            if before[0][key] == after_one[0].get(key):
                continue
            self.bind(key, self.box(_carried(self, start[key])))
        stops = self._turn(turn)
        del self.frame.conditions[depth:]
        self.loops.pop()
        done: set[int] = set()
        if stops:
            source = self.make("until", "", (source, *stops))
            self._stopped(before, source)
        for key in sorted(changed, key=str):
            bound = self.names.get(key)
            if bound is not None and bound not in done:
                done.add(bound)
                self.after_loop(start, source, {key})
        for box, value in held.items():
            if box not in done and self.boxes[box].flags & CARRIED:
                whole = self.make("loop", "", (value, self.boxes[box], source))
                if not value.flags & CARRIED:
                    whole.flags &= ~CARRIED
                self.put(box, whole)

    def _stopped(self, before: tuple[dict[Key, int], dict[int, Value]], source: Value) -> None:
        """What was learned in a loop depends on when the loop was left."""
        for key, box in list(self.names.items()):
            value = self.boxes[box]
            if value.kind not in ("trained", "mut") or before[1].get(box) is value:
                continue
            if key[1] == "<trained>" or value.head in ("backward", "fit", "partial_fit"):
                self.put(box, self.make("loop", "", (value, value, source)))

    def _turn(self, turn: Callable[[], str]) -> tuple[Value, ...]:
        """One turn of a loop. Gives the conditions on rows that it may be left under."""
        self.jumps.append([])
        left = turn()
        jumps = self.jumps.pop()
        for jump in reversed(jumps):
            if left and jump.kind == left and jump is jumps[-1]:
                continue
            condition = self.make("left", jump.kind, (jump.condition,))
            self.merge(condition, (jump.names, jump.boxes), self.save())
        breaks = [j.condition for j in jumps if j.kind == "break"]
        return tuple(c for c in breaks if c.flags & (DATA | PRED | CARRIED) or _counts_turns(c))


def _with_in_place(held: Value, old: Value, made: Value, depth: int) -> Value:
    """A container with one thing in it replaced, at any depth; itself when it is not in it."""
    if held is old:
        return made
    if held.kind not in ("dict", "seq") or depth > _DEEP:
        return held
    kids = tuple(_with_in_place(k, old, made, depth + 1) for k in held.kids)
    if all(a is b for a, b in zip(kids, held.kids, strict=True)):
        return held
    site = (held.path, held.line, held.symbol)
    return Value(held.kind, held.head, kids, held.flags, site, held.payload)


_DEEP = 6


def _counts_turns(condition: Value) -> bool:
    """True for a condition on which turn it is: `if n == 10: break`."""
    return any(v.kind in ("index", "elem") for v in walk(condition))


def prints_to_output(value: Value) -> bool:
    """True for a call that writes to the standard output."""
    return value.kind == "call" and value.head in _PRINTS


_PRINTS = {"print", "sys.stdout.write", "click.echo", "typer.echo"}


def _carried(machine: _Machine, value: Value) -> Value:
    if value.kind in ("obj", "fn", "cls", "module", "ns", "ref"):
        return value
    return machine.make("carried", "", (machine.freeze(value),), CARRIED)


def _to_one_of_two(node: ast.Expr, which: ast.IfExp) -> ast.If:
    """`(a if c else b).append(x)` as an `if` with a call in each branch."""
    branches: list[list[ast.stmt]] = []
    call = node.value
    assert isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
    for receiver in (which.body, which.orelse):
        method = ast.copy_location(ast.Attribute(receiver, call.func.attr, ast.Load()), call.func)
        made = ast.copy_location(ast.Call(method, call.args, call.keywords), call)
        branches.append([ast.copy_location(ast.Expr(made), node)])
    return ast.copy_location(ast.If(which.test, branches[0], branches[1]), node)


def _jumps(body: list[ast.stmt]) -> bool:
    leaves = (ast.Break, ast.Continue, ast.Return)
    return any(isinstance(n, leaves) for s in body for n in ast.walk(s))
