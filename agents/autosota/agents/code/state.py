"""The state of a symbolic execution: names, boxes, frames, and how two states become one.

A name is bound to a box and a box holds a value, so two names of one mutable thing see each
other's changes. Branches work on copies that are merged with `phi(condition, yes, no)`.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from autosota.agents.code.facts import FileFacts
from autosota.agents.code.values import CARRIED, TRAINED, Value

Site = tuple[str, int, str]
Key = tuple[int, str]
"""A frame (or object) and a name in it."""


@dataclass(slots=True)
class Frame:
    """A running module or function."""

    number: int
    facts: FileFacts
    symbol: str
    module: Frame | None
    outer: Frame | None = None
    outside: set[str] = field(default_factory=set)
    returns: list[tuple[tuple[Value, ...], Value]] = field(default_factory=list)
    exits: list[Jump] = field(default_factory=list)
    yields: list[Value] = field(default_factory=list)
    conditions: list[Value] = field(default_factory=list)
    owner: tuple[str, str] | None = None
    itself: Value | None = None
    node: ast.AST | None = None


@dataclass(frozen=True, slots=True)
class FunctionInfo:
    """What a function value points to."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    facts: FileFacts
    symbol: str
    module: Frame
    outer: Frame | None
    owner: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What an object value points to: its class, and the arguments it was made with."""

    number: int
    path: str
    symbol: str
    arguments: tuple[Value, ...] = ()


@dataclass(slots=True)
class Jump:
    """A `break` or `continue` that left the straight way, and the state it left with."""

    kind: str
    condition: Value
    names: dict[Key, int]
    boxes: dict[int, Value]


@dataclass(slots=True)
class Event:
    """A call that reached something outside the repository, with what led to it."""

    value: Value
    conditions: tuple[Value, ...]
    loops: tuple[Value, ...]
    stack: tuple[tuple[str, str], ...]


class State:
    """Names and boxes."""

    def __init__(self) -> None:
        self.names: dict[Key, int] = {}
        self.boxes: dict[int, Value] = {}
        self.counter = 0
        self.version = 0
        self.site: Site = ("", 0, "")

    def make(
        self, kind: str, head: str = "", kids: tuple[Value, ...] = (), flags: int = 0
    ) -> Value:
        """A value made at the current place."""
        return Value(kind, head, kids, flags, self.site)

    def number(self) -> int:
        """A number nobody has."""
        self.counter += 1
        return self.counter

    def box(self, value: Value) -> int:
        """A new box."""
        self.counter += 1
        self.boxes[self.counter] = value
        return self.counter

    def put(self, box: int, value: Value) -> None:
        """Change what a box holds: every name of it sees that."""
        self.boxes[box] = value
        self.version += 1

    def change(self, box: int, made: Value) -> None:
        """Change a mutable thing: every box that holds this very thing sees it."""
        old = self.boxes[box]
        self.put(box, made)
        if old.kind in ("const", "ref", "name", "option"):
            return
        for number, held in self.boxes.items():
            if held is old:
                self.boxes[number] = made

    def bind(self, key: Key, box: int) -> None:
        """Let a name mean a box."""
        self.names[key] = box
        self.version += 1

    def get(self, key: Key) -> Value | None:
        """What a name holds, or None."""
        box = self.names.get(key)
        return self.boxes.get(box) if box is not None else None

    def save(self) -> tuple[dict[Key, int], dict[int, Value]]:
        """A copy to come back to."""
        return dict(self.names), dict(self.boxes)

    def load(self, saved: tuple[dict[Key, int], dict[int, Value]]) -> None:
        """Come back to a copy; the copy stays usable."""
        self.names, self.boxes = dict(saved[0]), dict(saved[1])
        self.version += 1

    def phi(self, condition: Value, yes: Value, no: Value) -> Value:
        """One of two values."""
        if yes.key == no.key:
            return yes
        for _ in range(4):
            negated = condition.kind == "op" and condition.head == "not"
            zero = (
                condition.kind == "cmp"
                and condition.head in ("==", "!=")
                and any(k.kind == "const" and k.head in ("0", "0.0") for k in condition.kids)
            )
            if negated:
                condition, yes, no = condition.kids[0], no, yes
            elif zero:
                inner = [k for k in condition.kids if k.head not in ("0", "0.0")]
                if condition.head == "==":
                    yes, no = no, yes
                condition = inner[0] if inner else condition.kids[0]
            else:
                break
        return self.make("phi", "", (condition, yes, no))

    def merge(
        self,
        condition: Value,
        yes: tuple[dict[Key, int], dict[int, Value]],
        no: tuple[dict[Key, int], dict[int, Value]],
    ) -> None:
        """Become the state that is `yes` under a condition and `no` otherwise."""
        names, boxes = dict(no[0]), dict(no[1])
        for number, value in yes[1].items():
            other = boxes.get(number)
            if other is None:
                boxes[number] = value
            elif other is not value:
                boxes[number] = self.phi(condition, value, other)
        self.boxes = boxes
        for key in names.keys() - yes[0].keys():
            if (other := no[1].get(names[key])) is not None:
                names[key] = self.box(self.phi(condition, self.make("unset"), other))
        for key, box in yes[0].items():
            other_box = names.get(key)
            if other_box is None:
                if (other := yes[1].get(box)) is not None:
                    names[key] = self.box(self.phi(condition, other, self.make("unset")))
            elif other_box != box:
                first, second = yes[1].get(box), no[1].get(other_box)
                if first is None or second is None or first.key == second.key:
                    continue
                names[key] = self.box(self.phi(condition, first, second))
        self.names = names
        self.version += 1

    def after_loop(self, before: dict[Key, Value], source: Value, changed: set[Key]) -> None:
        """Turn what the body left behind into values of the whole loop."""
        for key in changed:
            now, start = self.get(key), before.get(key)
            if now is None or start is None or not now.flags & CARRIED:
                continue
            flags = now.flags & ~CARRIED | TRAINED
            whole = Value("loop", "", (start, now, source), flags, self.site)
            if not start.flags & CARRIED:
                whole.flags &= ~CARRIED
            self.put(self.names[key], whole)
