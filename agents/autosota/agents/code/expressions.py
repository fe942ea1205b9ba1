"""Symbolic execution, part one: expressions.

Names go to what they hold; attributes and subscripts are folded where the parts are known
(`(a, b)[1]` is b, `d["k"]` is what was put there), so that a value is told by how it was
computed and not by what it passed through. Calls are in `calling.py`.
"""

from __future__ import annotations

import ast
import builtins
import re

from autosota.agents.code.facts import FileFacts
from autosota.agents.code.libraries import META_ATTRIBUTES, PART_BY_PART, SPLITS
from autosota.agents.code.lower import OPAQUE as UNREAD
from autosota.agents.code.program import Program
from autosota.agents.code.state import Frame, FunctionInfo, Key, ObjectInfo, State
from autosota.agents.code.values import (
    DATA,
    LOAD,
    OBJECT,
    OPAQUE,
    OPTION,
    PRED,
    SEED,
    TRAINED,
    Value,
    const,
    literal,
    text_of,
)

_BUILTINS = frozenset(dir(builtins))
OPERATORS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Pow: "**", ast.MatMult: "@", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
    ast.LShift: "<<", ast.RShift: ">>", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is", ast.IsNot: "is not", ast.In: "in",
    ast.NotIn: "not in", ast.USub: "-", ast.UAdd: "+", ast.Not: "not", ast.Invert: "~",
    ast.And: "and", ast.Or: "or",
}  # fmt: skip
_UNROLLED = 12
_LONG_LIST = 500
_MIRROR = {">": "<", ">=": "<="}


class TooLarge(Exception):
    """The execution takes more steps than it may; what follows is unknown."""


class Expressions(State):
    """Evaluates expressions in the current frame."""

    frame: Frame

    def __init__(self, program: Program, steps: int) -> None:
        super().__init__()
        self.program = program
        self.steps = steps
        self.patched: dict[str, Value] = {}
        self.options: dict[str, tuple[Value, ...]] = {}
        self.given: dict[str, str] = {}
        self.words: list[str] = []
        """Words of the command that follow no option: sub-commands and positional arguments."""
        self.argv: list[str] = []
        """The command's words as the program sees them, its own name first."""
        self.expected: list[str] = []
        self.subcommands = False
        self.reads_back = False
        self.ran: set[tuple[str, str]] = set()
        self.defaults: dict[str, Value] = {}
        self.models: dict[tuple[str, str], bool] = {}
        """Which classes were found to be models."""

    # ---------------------------------------------------------------- provided elsewhere

    def call(self, node: ast.Call) -> Value:
        """See `calling.py`."""
        raise NotImplementedError

    def function(self, info: FunctionInfo) -> Value:
        """See `calling.py`."""
        raise NotImplementedError

    def freeze(self, value: Value) -> Value:
        """See `calling.py`."""
        raise NotImplementedError

    def invoke(self, function: Value, arguments: tuple[Value, ...]) -> Value:
        """See `calling.py`."""
        raise NotImplementedError

    def assign(self, target: ast.expr, value: Value, box: int | None = None) -> None:
        """See `execute.py`."""
        raise NotImplementedError

    # ---------------------------------------------------------------- evaluation

    def opaque(self, text: str) -> Value:
        """A value nobody could work out."""
        return self.make("opaque", text, (), OPAQUE)

    def value(self, node: ast.expr | None) -> Value:
        """What an expression is worth now."""
        self.steps -= 1
        if self.steps < 0:
            raise TooLarge
        if node is None:
            return const(None)
        method = getattr(self, f"_v_{type(node).__name__}", None)
        if method is None:
            return self.opaque(type(node).__name__)
        made = method(node)
        assert isinstance(made, Value)
        return made

    def boxed(self, node: ast.expr) -> int:
        """The box an expression names, or a new one with what it is worth."""
        if isinstance(node, ast.Name):
            box = self.find_box(node.id)
            if box is not None:
                return box
        elif isinstance(node, ast.Attribute):
            base = self.value(node.value)
            if base.kind == "obj":
                box = self.names.get((base.payload.number, node.attr))
                if box is not None:
                    return box
            return self.box(self.attribute(base, node.attr))
        return self.box(self.value(node))

    def find_box(self, name: str) -> int | None:
        """The box of a name, from the inside out."""
        frame: Frame | None = self.frame
        if frame is not None and name not in frame.outside:
            while frame is not None:
                box = self.names.get((frame.number, name))
                if box is not None:
                    return box
                frame = frame.outer
        module = self.frame.module or self.frame
        return self.names.get((module.number, name))

    def _v_Name(self, node: ast.Name) -> Value:
        if node.id == UNREAD:
            return self.opaque("code that does not parse")
        box = self.find_box(node.id)
        if box is not None:
            return self.boxes[box]
        if node.id in _BUILTINS:
            return self.ref(node.id)
        return self.make("name", node.id)

    def ref(self, dotted: str) -> Value:
        """Something of a library."""
        found = self.patched.get(dotted)
        if found is not None:
            return found
        return self.make("ref", dotted, (), OPTION | SEED if dotted == "sys.argv" else 0)

    def _v_Constant(self, node: ast.Constant) -> Value:
        return const(node.value, self.site)

    def _v_JoinedStr(self, node: ast.JoinedStr) -> Value:
        parts = tuple(self.value(v) for v in node.values)
        return self.text(parts)

    def text(self, parts: tuple[Value, ...]) -> Value:
        """A string made of parts; of literals only, it is a literal."""
        flat: list[Value] = []
        for part in parts:
            pieces = part.kids if part.kind == "text" else (part,)
            for piece in pieces:
                found = literal(piece)
                if flat and found and isinstance(found[0], str | int | float):
                    last = literal(flat[-1])
                    if last and isinstance(last[0], str):
                        flat[-1] = const(last[0] + str(found[0]), self.site)
                        continue
                if found and not isinstance(found[0], str) and not isinstance(found[0], bytes):
                    piece = const(str(found[0]), self.site)
                flat.append(piece)
        if len(flat) == 1 and literal(flat[0]):
            return flat[0]
        return self.make("text", "", tuple(self.freeze(f) for f in flat))

    def _v_FormattedValue(self, node: ast.FormattedValue) -> Value:
        value = self.value(node.value)
        if node.format_spec is None or literal(value):
            return value
        spec = self.value(node.format_spec)
        return self.make("format", "", (self.freeze(value), spec))

    def _v_Attribute(self, node: ast.Attribute) -> Value:
        return self.attribute(self.value(node.value), node.attr)

    def attribute(self, base: Value, name: str) -> Value:
        """`base.name`."""
        if base.kind == "ref":
            return self.ref(f"{base.head}.{name}")
        if base.kind == "module":
            found = self.get((base.payload, name))
            return found if found is not None else self.make("attr", name, (base,))
        if base.kind == "obj":
            return self.field(base, name)
        if base.kind == "cls":
            return self.member(base, base, name)
        if base.kind == "ns":
            found = self.defaults.get(name)
            return found if found is not None else self.option(name)
        if base.kind == "super":
            return self.make("super_attr", name)
        if base.kind == "dict":
            for at in range(len(base.kids) - 2, -1, -2):
                if text_of(base.kids[at]) == name:
                    return base.kids[at + 1]
        if base.kind == "seq" and isinstance(base.payload, tuple) and name in base.payload:
            return base.kids[base.payload.index(name)]
        if base.kind == "phi":
            yes, no = base.kids[1], base.kids[2]
            if yes.flags & no.flags & OBJECT:
                made = self.attribute(yes, name), self.attribute(no, name)
                return self.phi(base.kids[0], made[0], made[1])
        while base.kind == "set" and base.head == "attr":
            if text_of(base.kids[1]) == name:
                return base.kids[2]
            base = base.kids[0]
        if base.kind == "ns":
            return self.attribute(base, name)
        if base.kind == "call" and base.kids and base.kids[0].kind in ("class", "cls"):
            return self.make("option", name, (base.kids[0],), OPTION)
        if base.kind == "option":
            flags = SEED if "seed" in name.lower() else 0
            return self.make("option", f"{base.head}.{name}", base.kids, OPTION | flags)
        made_attr = self.make("attr", name, (self.freeze(base),))
        if name in META_ATTRIBUTES:
            made_attr.without(DATA | LOAD | PRED)
        return made_attr

    def option(self, name: str) -> Value:
        """A command line option: its default counts only when the command does not give it."""
        flags = OPTION | (SEED if "seed" in name.lower() else 0)
        if name in self.given:
            return self.make("option", f"{name}={self.given[name]}", (), flags)
        return self.make("option", name, self.options.get(name, ()), flags)

    def field(self, base: Value, name: str) -> Value:
        """An attribute of an object of a class of the repository."""
        info: ObjectInfo = base.payload
        found = self.get((info.number, name))
        if found is not None:
            return found
        return self.member(base, self.make_class(info.path, info.symbol), name)

    def make_class(self, path: str, symbol: str) -> Value:
        """A class of the repository as a value."""
        facts = self.program.facts(path)
        print_ = facts.symbols[symbol].fingerprint if symbol in facts.symbols else symbol
        return Value("cls", print_, (), OBJECT, self.site, payload=(path, symbol))

    def lineage(self, path: str, symbol: str) -> list[tuple[str, str]]:
        """A class and its bases of the repository, nearest first."""
        out: list[tuple[str, str]] = []
        queue = [(path, symbol)]
        while queue and len(out) < 12:
            at = queue.pop(0)
            found = self.program.facts(at[0]).symbols.get(at[1])
            if found is None or at in out or not isinstance(found.node, ast.ClassDef):
                continue
            out.append(at)
            for base in found.node.bases:
                name = self.program.facts(at[0]).dotted(base)
                plain = base.id if isinstance(base, ast.Name) else name
                target = self.program.find(at[0], plain)
                if target is not None:
                    queue.append(target)
        return out

    def outer_bases(self, path: str, symbol: str) -> list[str]:
        """Dotted names of the bases of a class that are not of the repository."""
        out: list[str] = []
        for at in self.lineage(path, symbol):
            facts = self.program.facts(at[0])
            node = facts.symbols[at[1]].node
            assert isinstance(node, ast.ClassDef)
            out += [n for b in node.bases if (n := facts.dotted(b))]
        return out

    def member(self, owner: Value, cls: Value, name: str) -> Value:
        """A method or class attribute."""
        path, symbol = cls.payload
        for at in self.lineage(path, symbol):
            patched = self.patched.get(f"{at[0]}::{at[1]}.{name}")
            if patched is not None:
                return patched
            facts = self.program.facts(at[0])
            found = facts.symbols.get(f"{at[1]}.{name}")
            if found is not None and not isinstance(found.node, ast.ClassDef):
                return self._bound_method(owner, at, facts, name)
            value = facts.constants.get(f"{at[1]}.{name}")
            if value is not None:
                return self.in_module(facts, value)
        return self.make("attr", name, (self.freeze(owner),))

    def in_module(self, facts: FileFacts, node: ast.expr) -> Value:
        """An expression evaluated at the module level of a file."""
        module = self.module_frame(facts.path)
        if module is None:
            return self.opaque("a constant of a module that was not loaded")
        saved, self.frame = self.frame, module
        try:
            return self.value(node)
        finally:
            self.frame = saved

    def module_frame(self, path: str) -> Frame | None:
        """See `execute.py`."""
        raise NotImplementedError

    def _bound_method(
        self, owner: Value, at: tuple[str, str], facts: FileFacts, name: str
    ) -> Value:
        node = facts.symbols[f"{at[1]}.{name}"].node
        assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        module = self.module_frame(at[0])
        if module is None:
            return self.opaque("a method of a module that was not loaded")
        info = FunctionInfo(node, facts, f"{at[1]}.{name}", module, None, at)
        function = self.function(info)
        decorators = {facts.dotted(d).rpartition(".")[2] for d in node.decorator_list}
        unbound = owner.kind == "cls" and "classmethod" not in decorators
        if "staticmethod" in decorators or unbound:
            return function
        if decorators & {"property", "cached_property"} and owner.kind == "obj":
            return self.invoke(function, (owner,))
        return Value("bound", function.head, (), OBJECT, self.site, payload=(owner, function))

    # ---------------------------------------------------------------- containers

    def _v_Subscript(self, node: ast.Subscript) -> Value:
        return self.item(self.value(node.value), self.value(node.slice))

    def _v_Slice(self, node: ast.Slice) -> Value:
        parts = tuple(self.value(p) for p in (node.lower, node.upper, node.step))
        return self.make("slice", "", parts)

    def item(self, base: Value, index: Value) -> Value:
        """`base[index]`, folded where the parts are known."""
        found = literal(index)
        if base.kind == "dict" and not found and (known := self.settled(index)):
            index, found = const(known[0]), known
        if base.kind == "dict" and not found and base.kids and base.flags & OBJECT:
            choice = base.kids[-1]
            for at in range(len(base.kids) - 3, -1, -2):
                condition = self.make("cmp", "==", (self.freeze(index), base.kids[at - 1]))
                choice = self.phi(condition, base.kids[at], choice)
            return choice
        if base.kind == "ref" and base.head == "sys.argv":
            given = self._given(index)
            if given is not None:
                return given
        if base.kind == "if_yield":
            return self.make("if_yield", "", (self.item(base.kids[0], index), base.kids[1]))
        if base.kind == "seq" and found and isinstance(found[0], int):
            inside = -len(base.kids) <= found[0] < len(base.kids)
            if inside and not any(k.kind == "star" for k in base.kids):
                return base.kids[found[0]]
        if base.kind == "seq" and index.kind == "slice" and base.kids:
            taken = _spelled_slice(base, index)
            if taken is not None:
                site = (base.path, base.line, base.symbol)
                return Value("seq", base.head, taken, 0, site, None if taken else EMPTY)
        if base.kind == "dict" and found:
            for at in range(len(base.kids) - 2, -1, -2):
                if base.kids[at].key == index.key:
                    return base.kids[at + 1]
        if base.kind == "module" or base.kind == "ns":
            return self.attribute(base, text_of(index)) if text_of(index) else self.opaque("name")
        if base.kind == "set" and base.head == "item" and found:
            if base.kids[1].key == index.key:
                return base.kids[2]
            if literal(base.kids[1]) and isinstance(literal(base.kids[1])[0], str):
                return self.item(base.kids[0], index)
        part = base.kind == "method" and base.head in PART_BY_PART and text_of(index)
        if part and _of_parts(base.kids[0]):
            return self.make("method", base.head, (self.item(base.kids[0], index), *base.kids[1:]))
        if index.kind == "seq" and index.kids and _has_columns(base):
            base = self._only_columns(base, index)
        column = self._column(base, index) if text_of(index) else None
        if column is not None:
            return column
        if base.kind == "phi" and found:
            yes, no = self.item(base.kids[1], index), self.item(base.kids[2], index)
            if "item" not in (yes.kind, no.kind):
                return self.phi(base.kids[0], yes, no)
        is_split = base.kind == "call" and base.head.endswith("train_test_split")
        if is_split and found and isinstance(found[0], int):
            return self.part_of_split(base, found[0])
        answers = self._of_rows(base, index)
        if answers is not None:
            return answers
        flags = 0
        if index.kind == "slice" and any(literal(k) != (None,) for k in index.kids):
            flags = DATA
        if base.kind == "option" and text_of(index):
            return self.attribute(base, text_of(index))
        return self.make("item", "", (self.freeze(base), self.freeze(index)), flags)

    def _given(self, index: Value) -> Value | None:
        """Words of the command by their place: `sys.argv[1]`, `sys.argv[1:3]`."""
        found = literal(index)
        if found and isinstance(found[0], int) and -len(self.argv) <= found[0] < len(self.argv):
            word = self.argv[found[0]]
            flags = OPTION | (SEED if "seed" in word.lower() else 0)
            return self.make("option", f"argv[{found[0]}]={word}", (), flags)
        if index.kind == "slice" and len(self.argv) > 1:
            ends = [k.payload[0] for k in index.kids if literal(k)]
            if len(ends) == 3 and all(e is None or isinstance(e, int) for e in ends):
                places = range(len(self.argv))[slice(*ends)]
                kids = [self._given(const(n)) for n in places]
                return self.make("seq", "", tuple(k for k in kids if k is not None))
        return None

    def _of_rows(self, answers: Value, index: Value) -> Value | None:
        """Some rows of what a library's model says of all: what it says of those rows.

        A network of the repository may answer by the rows beside, as a graph's does.
        """
        if not index.flags & DATA or index.flags & PRED or index.kind == "seq":
            return None
        if answers.kind == "item" and answers.kids[1].kind == "seq":
            inner = self._of_rows(answers.kids[0], index)
            return None if inner is None else self.make("item", "", (inner, answers.kids[1]))
        if answers.kind != "pred" or len(answers.kids) != 2 or len(answers.kids[1].kids) != 1:
            return None
        model, asked = answers.kids
        rows = asked.kids[0]
        if model.kind == "inst" or rows.kind == "kw" or not rows.flags & DATA:
            return None
        if not _row_by_row(model):
            return None
        made = self.make("asked", "", (self.item(rows, index),))
        return self.make("pred", "", (model, made), PRED)

    def _only_columns(self, table: Value, names: Value) -> Value:
        """A table without the columns that were written to it and are not asked for."""
        wanted = {text_of(k) for k in names.kids}
        if "" in wanted:
            return table
        if table.kind in ("item", "attr") and table.kids:
            inner = self._only_columns(table.kids[0], names)
            if inner is table.kids[0]:
                return table
            site = (table.path, table.line, table.symbol)
            return Value(table.kind, table.head, (inner, *table.kids[1:]), table.flags, site)
        if table.kind != "set":
            return table
        written: list[tuple[Value, Value]] = []
        while table.kind == "set" and table.head == "item" and text_of(table.kids[1]):
            if text_of(table.kids[1]) in wanted:
                written.append((table.kids[1], table.kids[2]))
            table = table.kids[0]
        return self._with_columns(table, written)

    def _with_columns(self, table: Value, written: list[tuple[Value, Value]]) -> Value:
        """A table with columns written to it, the last first."""
        for name, value in reversed(written):
            table = self.make("set", "item", (table, name, value))
        return table

    def _column(self, table: Value, name: Value) -> Value | None:
        """A column of a table whose rows were only chosen or put in order.

        It is the column of the table before, with the same done to it: what happens to other
        columns does not matter to it.
        """
        kids = table.kids
        if table.kind == "method" and table.head == "assign":
            written = table.named(text_of(name))
            return written if written is not None else self.item(kids[0], name)
        grouped = _group_of(table)
        if grouped is not None:
            parts = (self.item(grouped.kids[0], name), self.item(grouped.kids[0], grouped.kids[1]))
            each = self.make("elem", "", (self.make("method", "groupby", parts),))
            return self.make("item", "", (each, const(1)))
        if not _has_columns(table):
            return None
        if table.kind == "method" and table.head == "drop":
            return self.item(kids[0], name)
        if table.kind == "item" and len(kids) == 2:
            if kids[0].kind == "attr":
                column = self.item(kids[0].kids[0], name)
                inner = self.make("attr", kids[0].head, (column,))
            else:
                inner = self.item(kids[0], name)
            return self.make("item", "", (inner, kids[1]), DATA if kids[1].kind == "slice" else 0)
        if table.kind == "method" and table.head in ("sort_values", "head", "tail", "sample"):
            keys = [t for k in kids[1:] for v in (k, *k.kids) for t in (v,) if text_of(v)]
            if table.head != "sort_values":
                keys = []
            order = tuple(self.item(kids[0], k) for k in keys)
            rest = (self.item(kids[0], name), *kids[1:], *order)
            return self.make("method", table.head, rest)
        return None

    def part_of_split(self, call: Value, index: int) -> Value:
        """One output of `train_test_split`: of its own array and the options only."""
        arrays = call.positional
        if index < 0:
            index += 2 * len(arrays)
        which = index // 2
        if which >= len(arrays):
            return self.make("item", "", (call, const(index)))
        options = tuple(k for k in call.kids if k.kind == "kw")
        side = "test" if index % 2 else "train"
        return self.make("split", side, (arrays[which], *options), DATA)

    def sequence(self, nodes: list[ast.expr]) -> tuple[Value, ...]:
        """The values of a list display, stars opened where they are known."""
        out: list[Value] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                inner = self.value(node.value)
                out += inner.kids if inner.kind == "seq" else (self.make("star", "", (inner,)),)
            else:
                out.append(self.value(node))
        return tuple(out)

    def _v_Tuple(self, node: ast.Tuple) -> Value:
        return self.make("seq", "", self.sequence(node.elts))

    def _v_List(self, node: ast.List) -> Value:
        return self.make("seq", "", self.sequence(node.elts))

    def _v_Set(self, node: ast.Set) -> Value:
        return self.make("seq", "set", self.sequence(node.elts))

    def _v_Starred(self, node: ast.Starred) -> Value:
        return self.make("star", "", (self.value(node.value),))

    def _v_Dict(self, node: ast.Dict) -> Value:
        kids: list[Value] = []
        for key, value in zip(node.keys, node.values, strict=True):
            inner = self.value(value)
            if key is None and inner.kind == "dict":
                kids += inner.kids
            elif key is None:
                kids += [self.make("star"), inner]
            else:
                kids += [self.value(key), inner]
        return self.make("dict", "", tuple(kids))

    # ---------------------------------------------------------------- operators

    def _v_BinOp(self, node: ast.BinOp) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        operator = OPERATORS[type(node.op)]
        return self.operate(operator, left, right)

    def operate(self, operator: str, left: Value, right: Value) -> Value:
        """A binary operation."""
        if operator == "%" and (text_of(left) or left.kind == "text"):
            return self.printf(left, right)
        if operator == "+" and ({left.kind, right.kind} & {"text"} or text_of(left)):
            return self.text((left, right))
        if operator == "/" and (text_of(right) or text_of(left)):
            return self.make("op", "/", (self.freeze(left), self.freeze(right)))
        a, b = literal(left), literal(right)
        if a and b and isinstance(a[0], int | float) and isinstance(b[0], int | float):
            folded = _arithmetic(operator, a[0], b[0])
            if folded is not None:
                return const(folded, self.site)
        if operator == "+" and left.kind == right.kind == "seq" and left.head == right.head:
            spelled = [*left.kids, *right.kids]
            if all(k.kind == "const" for k in spelled) and len(spelled) < _LONG_LIST:
                return self.make("seq", left.head, tuple(spelled))
        first, second = self.freeze(left), self.freeze(right)
        if operator == "@" and (first.flags ^ second.flags) & TRAINED:
            # rows times weights: what a linear model says of the rows
            weights, rows = (first, second) if first.flags & TRAINED else (second, first)
            return self.make("pred", "@", (weights, self.make("asked", "", (rows,))), PRED)
        made = self.make("op", operator, (first, second))
        largest = first.kind in ("method", "call") and first.head.rpartition(".")[2] == "max"
        if operator == "+" and b == (1,) and largest:
            # the number of users, items or classes: a size, not rows
            made.without(DATA | LOAD)
        return made

    def printf(self, left: Value, right: Value) -> Value:
        """`"a=%.3f" % a` as the text it makes."""
        values = list(right.kids) if right.kind == "seq" else [right]
        parts: list[Value] = []
        for at, piece in enumerate(text_of(left).split("%")):
            if at == 0:
                parts.append(const(piece, self.site))
                continue
            end = next((n for n, c in enumerate(piece) if c.isalpha()), len(piece))
            spec, rest = piece[: end + 1], piece[end + 1 :]
            value = values.pop(0) if values else const("?")
            parts.append(
                value if spec == "s" else self.make("format", "", (self.freeze(value), const(spec)))
            )
            parts.append(const(rest, self.site))
        return self.text(tuple(p for p in parts if literal(p) != ("",)))

    def _v_UnaryOp(self, node: ast.UnaryOp) -> Value:
        inner = self.value(node.operand)
        operator = OPERATORS[type(node.op)]
        found = literal(inner)
        if found and operator == "-" and isinstance(found[0], int | float):
            return const(-found[0], self.site)
        return self.make("op", operator, (self.freeze(inner),))

    def _v_BoolOp(self, node: ast.BoolOp) -> Value:
        values = tuple(self.freeze(self.value(v)) for v in node.values)
        return self.make("bool", OPERATORS[type(node.op)], values)

    def _v_Compare(self, node: ast.Compare) -> Value:
        values = [self.freeze(self.value(v)) for v in (node.left, *node.comparators)]
        parts: list[Value] = []
        for at, operator in enumerate(node.ops):
            sign, left, right = OPERATORS[type(operator)], values[at], values[at + 1]
            if sign in _MIRROR:
                sign, left, right = _MIRROR[sign], right, left
            parts.append(self.make("cmp", sign, (left, right)))
        return parts[0] if len(parts) == 1 else self.make("bool", "and", tuple(parts))

    def _v_IfExp(self, node: ast.IfExp) -> Value:
        condition = self.value(node.test)
        known = self.truth(condition)
        if known is not None:
            return self.value(node.body if known else node.orelse)
        return self.phi(self.freeze(condition), self.value(node.body), self.value(node.orelse))

    def _v_NamedExpr(self, node: ast.NamedExpr) -> Value:
        value = self.value(node.value)
        self.assign(node.target, value)
        return value

    def _v_Lambda(self, node: ast.Lambda) -> Value:
        module = self.frame.module or self.frame
        outer = self.frame if self.frame.module is not None else None
        info = FunctionInfo(node, self.frame.facts, self.frame.symbol, module, outer)
        return self.function(info)

    def _v_Yield(self, node: ast.Yield) -> Value:
        value = self.value(node.value)
        if self.frame.conditions:
            # only some turns give something
            under = tuple(self.frame.conditions)
            only = under[0] if len(under) == 1 else self.make("bool", "and", under)
            value = self.make("if_yield", "", (self.freeze(value), only))
        self.frame.yields.append(value)
        return const(None)

    def _v_YieldFrom(self, node: ast.YieldFrom) -> Value:
        self.frame.yields.append(self.element(self.value(node.value)))
        return const(None)

    def _v_Await(self, node: ast.Await) -> Value:
        return self.value(node.value)

    def _v_Call(self, node: ast.Call) -> Value:
        return self.call(node)

    def _comprehension(self, node: ast.expr, elements: list[ast.expr], kind: str) -> Value:
        generators: list[ast.comprehension] = getattr(node, "generators", [])
        if len(generators) == 1 and not generators[0].ifs and kind in ("list", "dict"):
            source = self.value(generators[0].iter)
            spelled = source.kind == "seq" and 0 < len(source.kids) <= _UNROLLED
            if spelled and not any(k.kind == "star" for k in source.kids):
                return self._each(generators[0].target, source, elements, kind)
        saved: dict[Key, int | None] = {}
        kids: list[Value] = []
        for generator in generators:
            source = self.value(generator.iter)
            for name in ast.walk(generator.target):
                if isinstance(name, ast.Name):
                    key = (self.frame.number, name.id)
                    saved.setdefault(key, self.names.get(key))
            self.assign(generator.target, self.element(source))
            kids.append(self.freeze(source))
            kids += [self.make("if", "", (self.freeze(self.value(t)),)) for t in generator.ifs]
        made = [self.freeze(self.value(e)) for e in elements]
        for key, box in saved.items():
            if box is None:
                self.names.pop(key, None)
            else:
                self.names[key] = box
        return self.make("comp", kind, (*made, *kids))

    def _each(self, target: ast.expr, source: Value, elements: list[ast.expr], kind: str) -> Value:
        """A comprehension over things that are spelled out: each in its turn."""
        names = [(self.frame.number, n.id) for n in ast.walk(target) if isinstance(n, ast.Name)]
        saved = {key: self.names.get(key) for key in names}
        kids: list[Value] = []
        for kid in source.kids:
            self.assign(target, kid)
            kids += [self.value(e) for e in elements]
        for key, box in saved.items():
            if box is None:
                self.names.pop(key, None)
            else:
                self.names[key] = box
        return self.make("dict" if kind == "dict" else "seq", "", tuple(kids))

    def _v_ListComp(self, node: ast.ListComp) -> Value:
        return self._comprehension(node, [node.elt], "list")

    def _v_GeneratorExp(self, node: ast.GeneratorExp) -> Value:
        return self._comprehension(node, [node.elt], "list")

    def _v_SetComp(self, node: ast.SetComp) -> Value:
        return self._comprehension(node, [node.elt], "set")

    def _v_DictComp(self, node: ast.DictComp) -> Value:
        return self._comprehension(node, [node.key, node.value], "dict")

    # ---------------------------------------------------------------- iteration, truth

    def element(self, source: Value) -> Value:
        """One turn's value of a loop over something."""
        if source.kind == "option" and len(source.kids) == 1:
            source = source.kids[0]
        if source.kind == "obj":
            source = self.freeze(source)
        if source.kind == "comp" and source.head == "list":
            return source.kids[0]
        if source.kind == "gen" and len(source.kids) == 1:
            return source.kids[0]
        if source.kind == "call" and source.head == "enumerate" and source.kids:
            index = self.make("index", "", (source.kids[0],)).without(DATA | LOAD | PRED)
            return self.make("seq", "", (index, self.element(source.kids[0])))
        if source.kind == "call" and source.head in ("zip", "torch.utils.data.TensorDataset"):
            return self.make("seq", "", tuple(self.element(k) for k in source.kids))
        if source.kind == "loader" and len(source.kids) == 1:
            return self.element(source.kids[0])
        if source.kind == "rows":
            row, length = source.kids
            if row.kind == "seq":
                parts = tuple(self.make("row", "", (k, length), DATA) for k in row.kids)
                return self.make("seq", "", parts)
            if row.kind == "dict":
                kids = [
                    k if n % 2 == 0 else self.make("row", "", (k, length), DATA)
                    for n, k in enumerate(row.kids)
                ]
                return self.make("dict", "", tuple(kids))
            return self.make("row", "", (row, length), DATA)
        if source.kind == "seq" and len(source.kids) == 1:
            return source.kids[0]
        flags = DATA if SPLITS.search(source.head) else 0
        return self.make("elem", "", (self.freeze(source),), flags)

    def truth(self, value: Value) -> bool | None:
        """True or False when it is known, as far as this run's command says."""
        found = literal(value)
        if found:
            return bool(found[0])
        if value.kind == "option":
            return self.truth(value.kids[0]) if len(value.kids) == 1 else None
        if value.kind == "op" and value.head == "not" and len(value.kids) == 1:
            inner = self.truth(value.kids[0])
            return None if inner is None else not inner
        if value.kind == "cmp":
            return self._truth_of_comparison(value)
        if value.kind == "bool":
            parts = [self.truth(k) for k in value.kids]
            if value.head == "and":
                return False if False in parts else (True if all(parts) else None)
            return True if True in parts else (None if None in parts else False)
        return None

    def _truth_of_comparison(self, value: Value) -> bool | None:
        left, right = value.kids
        a, b = self.settled(left), self.settled(right)
        if value.head in ("in", "not in") and a and right.kind in ("dict", "seq") and right.kids:
            among = right.kids[::2] if right.kind == "dict" else right.kids
            if all(literal(k) for k in among):
                inside = any(literal(k)[0] == a[0] for k in among)
                return inside if value.head == "in" else not inside
        if value.head in ("is", "==", "is not", "!="):
            same: bool | None = None
            if a and b:
                same = a[0] == b[0]
            elif (b == (None,) and _something(left)) or (a == (None,) and _something(right)):
                same = False
            if same is None:
                return None
            return same if value.head in ("is", "==") else not same
        return None

    def settled(self, value: Value) -> tuple[object, ...]:
        """The literal a value is, an option at its default included."""
        if value.kind == "option" and len(value.kids) == 1:
            return literal(value.kids[0])
        if value.kind == "option" and "=" in value.head:
            given = value.head.partition("=")[2]
            return (given,) if given and "{" not in given else ()
        if value.kind == "text":
            parts = [self.settled(k) for k in value.kids]
            return ("".join(str(p[0]) for p in parts),) if all(parts) else ()
        return literal(value)


EMPTY = "empty"
"""Marks a list that is surely empty, and not only not yet filled."""


def _spelled_slice(base: Value, index: Value) -> tuple[Value, ...] | None:
    """The part of a list of literals that a slice with literal bounds takes."""
    if len(index.kids) != 3 or any(k.kind != "const" for k in base.kids):
        return None
    ends: list[int | None] = []
    for kid in index.kids:
        found = literal(kid)
        if not found or not (found[0] is None or isinstance(found[0], int)):
            return None
        ends.append(found[0])
    return base.kids[slice(*ends)] if ends[2] != 0 else None


def _group_of(rows: Value) -> Value | None:
    """The grouping that `for key, rows in table.groupby("name")` takes rows of."""
    if rows.kind != "item" or literal(rows.kids[1]) != (1,) or rows.kids[0].kind != "elem":
        return None
    grouped = rows.kids[0].kids[0]
    plain = grouped.kind == "method" and grouped.head == "groupby" and len(grouped.kids) == 2
    return grouped if plain and text_of(grouped.kids[1]) else None


def _of_parts(value: Value) -> bool:
    """True for a dictionary of data sets: one was loaded, and parts of it were written."""
    while value.kids and (
        value.kind == "set" or (value.kind == "method" and value.head in PART_BY_PART)
    ):
        value = value.kids[0]
    return value.kind == "call" and value.head.rpartition(".")[2] == "load_dataset"


def _row_by_row(model: Value) -> bool:
    """True for a library's estimator of rows of a table."""
    while model.kids and model.kind in ("mut", "method", "phi", "loop", "carried"):
        model = model.kids[1] if model.kind == "phi" else model.kids[0]
    return model.kind == "call" and bool(_OF_TABLES.match(model.head))


_OF_TABLES = re.compile(r"^(sklearn|xgboost|lightgbm|catboost|ngboost|interpret|imblearn)\.")


def _has_columns(table: Value) -> bool:
    """True for a table with columns that were written by name, below choices of rows."""
    for _ in range(12):
        if table.kind == "set" and table.head == "item":
            return bool(text_of(table.kids[1]))
        if table.kind == "item" and len(table.kids) == 2:
            chosen = table.kids[1]
            if text_of(chosen) or not (chosen.flags & DATA or chosen.kind == "slice"):
                return False
        elif table.kind == "attr" and table.head in ("iloc", "loc"):
            pass
        elif table.kind == "method" and table.head == "assign":
            return True
        elif table.kind == "method" and table.head == "drop":
            if not any(k.kind == "kw" and k.head == "columns" for k in table.kids):
                return False
        elif table.kind != "method" or table.head not in ("sort_values", "head", "tail", "sample"):
            return False
        table = table.kids[0]
    return False


_THINGS = {
    "obj", "inst", "fn", "seq", "dict", "cls", "lam", "bound", "rows", "split", "elem", "row",
    "pred", "text", "op", "comp", "loader", "folds", "set",
}  # fmt: skip


def _something(value: Value) -> bool:
    """True for what is surely not None."""
    if value.kind == "call":
        return value.head.startswith(("torch.", "numpy.", "pandas.", "jax.", "sklearn."))
    if value.kind == "item":
        return bool(value.flags & DATA) and value.kids[0].kind in _THINGS
    return value.kind in _THINGS


def _arithmetic(operator: str, a: int | float, b: int | float) -> int | float | None:
    try:
        if operator == "+":
            return a + b
        if operator == "-":
            return a - b
        if operator == "*":
            return a * b
        if operator == "/":
            return a / b
        if operator == "//":
            return a // b
    except (ZeroDivisionError, OverflowError):
        return None
    return None
