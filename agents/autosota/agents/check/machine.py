"""The machine that runs a unit over labels instead of values: names, objects, branches, budget.

State is a mapping from module-level names, and from (object, attribute), to values. What a unit
reads of the state before it is recorded, so a unit whose reads are unchanged need not run again.
What expressions, calls and statements do is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from autosota.agents.check import ir
from autosota.agents.check.values import NOTHING, Event, Obj, Part, Value, join

Key = str | tuple[Obj, str]
UNIT_STEPS = 20_000
"""Expressions that one unit may evaluate; beyond, its facts are unknown."""
FILE_STEPS = 80_000
"""Expressions that a file may evaluate."""
CALL_DEPTH = 5
"""Functions of the file that are followed inside one another."""


class Exhausted(Exception):
    """The budget of a unit is spent."""


@dataclass(slots=True)
class Record:
    """What was seen of one call."""

    node: ir.Call
    name: str
    method: str
    receiver: Value
    args: tuple[Value, ...]
    keywords: dict[str, Value]
    result: Value
    targets: tuple[str, ...]


@dataclass(slots=True)
class Effect:
    """What running a unit did: the part that is kept between edits.

    Attributes:
        reads: What it read of the state before it (None: was not there).
        writes: What it set.
        values: What is known of its expressions, and of those of functions it called.
        records: Its calls.
        events: What happened, in order.
        called: Functions of the file that it ran.
        units: Those whose expressions it evaluated.
        steps: What it cost.
        known: Whether it ran to its end.
    """

    reads: dict[Key, Value | None] = field(default_factory=dict)
    writes: dict[Key, Value] = field(default_factory=dict)
    values: dict[ir.Expr, Value] = field(default_factory=dict)
    records: dict[ir.Call, Record] = field(default_factory=dict)
    events: dict[Event, None] = field(default_factory=dict)
    called: set[ir.Node] = field(default_factory=set)
    units: set[ir.Unit] = field(default_factory=set)
    steps: int = 0
    known: bool = True


@dataclass(slots=True)
class Frame:
    """The names of a running function, and what it has returned."""

    node: ir.Node
    names: dict[str, Value]
    outer: Frame | None = None
    result: Value | None = None
    globals: set[str] = field(default_factory=set)
    owner: Value = NOTHING
    """The object whose method runs."""
    changed: set[str] = field(default_factory=set)
    """Parameters that were changed in place."""


class Interned:
    """One object for each set of rows, each event and each object, over all runs of a session."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self.parts: dict[tuple[object, ...], Part] = {}
        self.events: dict[tuple[object, ...], Event] = {}
        self.objs: dict[tuple[object, ...], Obj] = {}

    def __len__(self) -> int:
        return len(self.parts) + len(self.events) + len(self.objs)


class Memory:
    """State, frames and records of the unit that is run."""

    def __init__(self, interned: Interned) -> None:
        """Starts empty."""
        self.interned = interned
        self.base: dict[Key, Value] = {}
        self.local: dict[Key, Value] = {}
        self.effect = Effect()
        self.frame: Frame | None = None
        self.depth = 0
        self.steps = 0
        self.limit = UNIT_STEPS
        self.loops: list[ir.Node] = []
        self.targets: tuple[str, ...] = ()
        self.closures: dict[Obj, Frame] = {}
        self.running: set[ir.Node] = set()
        self.changed: set[str] = set()
        """Names of the module whose object was changed in place."""

    # ------------------------------------------------------------------------------ state
    def get(self, key: Key) -> Value | None:
        """What the state holds for a name of the module or an object's attribute."""
        value = self.local.get(key)
        if value is None:
            value = self.base.get(key)
            self.effect.reads[key] = value
        return value

    def put(self, key: Key, value: Value) -> None:
        """Set a name of the module or an object's attribute."""
        self.local[key] = value

    def lookup(self, name: str) -> Value | None:
        """What a name means here: in this function, around it, in the module."""
        frame = self.frame
        while frame is not None:
            value = frame.names.get(name)
            if value is not None and name not in frame.globals:
                return value
            frame = frame.outer
        return self.get(name)

    def bind(self, name: str, value: Value) -> None:
        """Set a name here."""
        frame = self.frame
        if frame is not None and name not in frame.globals:
            frame.names[name] = value
            frame.changed.discard(name)
        else:
            self.local[name] = value
            self.changed.discard(name)

    def rebind(self, name: str, value: Value) -> None:
        """Change the object that a name holds, wherever the name lives."""
        frame = self.frame
        while frame is not None:
            if name in frame.names and name not in frame.globals:
                frame.names[name] = value
                frame.changed.add(name)
                return
            frame = frame.outer
        self.local[name] = value
        self.changed.add(name)

    def in_place(self, name: str) -> bool:
        """Whether what a name holds was changed since it was bound."""
        frame = self.frame
        if frame is not None and name not in frame.globals:
            return name in frame.changed
        return name in self.changed

    # --------------------------------------------------------------------------- branches
    def branch(self, *arms: Callable[[], None]) -> None:
        """Run each arm from the same state, then join what they leave."""
        frame = self.frame
        local = self.local
        names = frame.names if frame is not None else {}
        ends: list[tuple[dict[Key, Value], dict[str, Value]]] = []
        for arm in arms:
            self.local = dict(local)
            if frame is not None:
                frame.names = dict(names)
            arm()
            ends.append((self.local, frame.names if frame is not None else {}))
        merged, inner = ends[0]
        for other, other_inner in ends[1:]:
            merged = self._merge(merged, other)
            inner = _merge_names(inner, other_inner)
        self.local = merged
        if frame is not None:
            frame.names = inner

    def _merge(self, a: dict[Key, Value], b: dict[Key, Value]) -> dict[Key, Value]:
        merged = dict(a)
        for key, value in b.items():
            old = a.get(key)
            if old is value:
                continue
            if old is None:
                old = self.base.get(key)
                self.effect.reads.setdefault(key, old)
            merged[key] = value if old is None else join(old, value)
        for key, value in a.items():
            if key not in b:
                old = self.base.get(key)
                self.effect.reads.setdefault(key, old)
                if old is not None and old is not value:
                    merged[key] = join(old, value)
        return merged

    @contextmanager
    def looping(self, node: ir.Node) -> Iterator[None]:
        """Inside a loop."""
        self.loops.append(node)
        try:
            yield
        finally:
            self.loops.pop()

    # -------------------------------------------------------------------------- interning
    def part(
        self,
        parent: Part | None,
        kind: str,
        key: object,
        side: object = 0,
        *,
        role: str = "",
        name: str = "",
        node: ir.Expr | None = None,
        bounds: tuple[str, str] = ("", ""),
        shuffled: bool | None = None,
    ) -> Part:
        """The one part with these: two of one kind, key and side are the same rows (`overlap`)."""
        # What is deeper than this is no longer told apart: a loop must not grow without end.
        if parent is not None and len(parent.path()) > 12:
            return parent
        ident = (parent, kind, key, side, role, name, node)
        found = self.interned.parts.get(ident)
        if found is None:
            found = Part(parent, kind, key, side, role, name, node, bounds, shuffled)
            self.interned.parts[ident] = found
        return found

    def event(self, kind: str, node: ir.Expr, name: str, **more: object) -> Event:
        """The one event of this kind, place and content; it is noted as having happened."""
        loops = tuple(self.loops)
        ident = (kind, node, name, loops, *more.items())
        found = self.interned.events.get(ident)
        if found is None:
            found = Event(kind, node, name, loops=loops, **more)  # type: ignore[arg-type]
            self.interned.events[ident] = found
        self.effect.events[found] = None
        return found

    def obj(
        self,
        node: ir.Node,
        kind: str,
        made: tuple[Value, ...] = (),
        options: tuple[tuple[str, Value], ...] = (),
        cls: ir.Class | None = None,
    ) -> Obj:
        """The one object made here of these."""
        ident = (node, kind, made, options, cls)
        found = self.interned.objs.get(ident)
        if found is None:
            found = Obj(node, kind, made, options, cls)
            self.interned.objs[ident] = found
        return found

    def spend(self) -> None:
        """One step.

        Raises:
            Exhausted: the budget of the unit is spent.
        """
        self.steps += 1
        if self.steps > self.limit:
            raise Exhausted


def _merge_names(a: dict[str, Value], b: dict[str, Value]) -> dict[str, Value]:
    merged = dict(a)
    for key, value in b.items():
        old = a.get(key)
        merged[key] = value if old is None or old is value else join(old, value)
    return merged
