"""The flow of data through a file.

Every unit is run once, or taken from before if nothing it read has changed.
Functions that nobody in the file calls are run at the end with unknown arguments. What the facts
mean for a rule is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from autosota.agents.check import ir
from autosota.agents.check.calls import Site, follow
from autosota.agents.check.evaluate import Machine
from autosota.agents.check.facts import CallFact
from autosota.agents.check.index import Context, Index
from autosota.agents.check.machine import FILE_STEPS, Effect, Exhausted, Interned, Key, Record
from autosota.agents.check.roles import like_data, role
from autosota.agents.check.values import NOTHING, Event, Pair, Value, join

_MOST_INTERNED = 60_000


@dataclass(slots=True)
class Memo:
    """What a session keeps of the runs before: effects by unit, and the objects in them."""

    interned: Interned = field(default_factory=Interned)
    effects: dict[ir.Unit, Effect] = field(default_factory=dict)
    alone: dict[ir.Function, Effect] = field(default_factory=dict)


@dataclass(slots=True)
class Flow:
    """What the runs of all units say together."""

    index: Index
    effects: list[Effect]
    complete: bool
    _by_unit: dict[ir.Unit, list[Effect]] | None = None
    _by_method: dict[str, list[Record]] | None = None
    _events: list[Event] | None = None
    _pairs: list[Pair] | None = None

    @property
    def events(self) -> Sequence[Event]:
        """All that happened, in order of the text."""
        if self._events is None:
            found: dict[Event, None] = {}
            for effect in self.effects:
                found.update(effect.events)
            self._events = sorted(found, key=position)
        return self._events

    @property
    def pairs(self) -> Sequence[Pair]:
        """Every score with each fit behind it."""
        if self._pairs is None:
            found = []
            for event in self.events:
                if event.kind == "score" and event.data:
                    fits = sorted((f for f in event.fits if f.kind == "fit"), key=position)
                    found += [Pair(event, f, f.data[0], event.data[0]) for f in fits if f.data]
            self._pairs = found
        return self._pairs

    def value(self, expr: ir.Expr) -> Value:
        """What is known of an expression."""
        if self._by_unit is None:
            self._by_unit = {}
            for effect in self.effects:
                for unit in effect.units:
                    self._by_unit.setdefault(unit, []).append(effect)
        found: Value | None = None
        for effect in self._by_unit.get(expr.unit, ()):
            value = effect.values.get(expr)
            if value is not None:
                found = value if found is None else join(found, value)
        return NOTHING if found is None else found

    def calls_of(self, *methods: str) -> list[CallFact]:
        """The calls that the flow met whose last word is one of these, in order of the text."""
        records = self._records()
        return self._facts(r for method in methods for r in records.get(method, ()))

    def calls_with(self, keyword: str) -> list[CallFact]:
        """The calls that the flow met that are given this keyword, in order of the text."""
        records = self._records().values()
        return self._facts(r for some in records for r in some if keyword in r.keywords)

    def _records(self) -> dict[str, list[Record]]:
        if self._by_method is None:
            found: dict[ir.Call, Record] = {}
            for effect in reversed(self.effects):
                found.update(effect.records)
            self._by_method = {}
            for record in found.values():
                self._by_method.setdefault(record.method, []).append(record)
        return self._by_method

    def _facts(self, records: Iterable[Record]) -> list[CallFact]:
        found = []
        for r in records:
            called = self.index.called(r.node)
            if called is not None:
                found.append(
                    CallFact(
                        r.node, r.name, r.method, r.receiver, r.args, r.keywords, r.result,
                        r.targets, called.stmt, called.context,
                    )
                )  # fmt: skip
        found.sort(key=lambda c: (c.node.unit.offset, c.node.start, -c.node.end))
        return found


def position(event: Event) -> tuple[int, int, int, str, str, int, int]:
    """Where an event stands, for sorting; several at one place by how much they have seen."""
    node = event.node
    learned = rows = 0
    for value in event.data:
        learned += len(value.fits)
        rows += len(value.rows)
    return (node.unit.offset, node.start, node.end, event.kind, event.name, learned, rows)


def run(units: Sequence[ir.Unit], index: Index, memo: Memo) -> Flow:
    """The flow through these units, with what is still true of `memo`."""
    if len(memo.interned) > _MOST_INTERNED:
        memo.interned, memo.effects, memo.alone = Interned(), {}, {}
    machine = Machine(memo.interned)
    state: dict[Key, Value] = {}
    effects: list[Effect] = []
    kept: dict[ir.Unit, Effect] = {}
    steps = 0
    complete = True
    for unit in units:
        if steps > FILE_STEPS:
            complete = False
            break
        effect = memo.effects.get(unit)
        if effect is None or not _still_true(effect, state):
            effect = _run_unit(machine, unit, state)
        kept[unit] = effect
        effects.append(effect)
        steps += effect.steps
        complete = complete and effect.known
        for key, value in effect.writes.items():
            state[key] = value
    memo.effects = kept
    called = {node for effect in effects for node in effect.called}
    alone: dict[ir.Function, Effect] = {}
    # Those first that call others: a helper is best seen through its caller.
    for function, context in reversed(index.statements(ir.Function)):
        if steps > FILE_STEPS:
            break
        if function in called or context.function is not None:
            continue
        effect = memo.alone.get(function)
        if effect is None or not _still_true(effect, state):
            effect = _run_alone(machine, function, context, state)
        alone[function] = effect
        effects.append(effect)
        steps += effect.steps
        called |= effect.called
    memo.alone = alone
    return Flow(index, effects, complete)


def _still_true(effect: Effect, state: dict[Key, Value]) -> bool:
    for key, value in effect.reads.items():
        now = state.get(key)
        if now is not value and now != value:
            return False
    return True


def _run_unit(machine: Machine, unit: ir.Unit, state: dict[Key, Value]) -> Effect:
    _reset(machine, state)
    machine.effect.units.add(unit)
    try:
        machine.run(unit.body)
    except (Exhausted, RecursionError):
        machine.effect.known = False
    return _finish(machine)


def _run_alone(
    machine: Machine, function: ir.Function, context: Context, state: dict[Key, Value]
) -> Effect:
    _reset(machine, state)
    args: list[Value] = []
    owner = context.owner
    kind = "function"
    made: tuple[Value, ...] = ()
    params = list(function.params)
    if owner is not None and params:
        kind = "method"
        made = (Value(objs=frozenset((machine.obj(owner, "local.self", cls=owner),))),)
        params = params[1:]
    names: dict[str, Value] = {}
    for param in params:
        names[param.name] = NOTHING
        if not param.kind and (param.default is None and like_data(param.name)):
            part = machine.part(
                None, "root", (function, param.name), role=role(param.name), name=param.name
            )
            names[param.name] = Value(frozenset((part,)))
    node = ir.Call(
        function.unit,
        function.start,
        function.end,
        ir.Name(function.unit, function.start, function.end, function.name),
        (),
        (),
    )
    try:
        obj = machine.obj(function, kind, made)
        follow(machine, obj, Site(node, "", function.name, NOTHING, args, names))
    except (Exhausted, RecursionError):
        machine.effect.known = False
    machine.local = {}
    return _finish(machine)


def _reset(machine: Machine, state: dict[Key, Value]) -> None:
    machine.base = state
    machine.local = {}
    machine.effect = Effect()
    machine.frame = None
    machine.depth = 0
    machine.steps = 0
    machine.loops = []
    machine.targets = ()
    machine.running = set()
    machine.changed = set()


def _finish(machine: Machine) -> Effect:
    effect = machine.effect
    effect.writes = machine.local
    effect.steps = machine.steps
    return effect
