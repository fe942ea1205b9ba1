"""The flow of data through a file.

Every unit is run once, or taken from before if nothing it read has changed.
Functions that nobody in the file calls are run at the end with unknown arguments. What the facts
mean for a rule is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from autosota.agents.check import ir
from autosota.agents.check.calls import Site, follow
from autosota.agents.check.evaluate import Machine
from autosota.agents.check.facts import CallFact, Context
from autosota.agents.check.machine import FILE_STEPS, Effect, Exhausted, Interned, Key
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

    units: Sequence[ir.Unit]
    effects: list[Effect]
    contexts: dict[ir.Stmt, Context]
    complete: bool
    _values: dict[ir.Expr, Value] | None = None
    _calls: list[CallFact] | None = None
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
        if self._values is None:
            self._values = {}
            for effect in self.effects:
                for node, value in effect.values.items():
                    old = self._values.get(node)
                    self._values[node] = value if old is None else join(old, value)
        return self._values.get(expr, NOTHING)

    @property
    def calls(self) -> Sequence[CallFact]:
        """Every call that the flow met, in order of the text."""
        if self._calls is None:
            statement: dict[ir.Expr, ir.Stmt] = {}
            for stmt in self.contexts:
                for expr in ir.expressions(stmt):
                    if isinstance(expr, ir.Call):
                        statement[expr] = stmt
            found: dict[ir.Call, CallFact] = {}
            for effect in self.effects:
                for node, r in effect.records.items():
                    within = statement.get(node)
                    if within is not None and node not in found:
                        found[node] = CallFact(
                            node, r.name, r.method, r.receiver, r.args, r.keywords, r.result,
                            r.targets, within, self.contexts[within],
                        )  # fmt: skip
            order = sorted(found, key=lambda n: (n.unit.offset, n.start, -n.end))
            self._calls = [found[n] for n in order]
        return self._calls


def position(event: Event) -> tuple[int, int, int, str, str, int, int]:
    """Where an event stands, for sorting; several at one place by how much they have seen."""
    node = event.node
    learned = rows = 0
    for value in event.data:
        learned += len(value.fits)
        rows += len(value.rows)
    return (node.unit.offset, node.start, node.end, event.kind, event.name, learned, rows)


def run(units: Sequence[ir.Unit], walked: Sequence[tuple[ir.Stmt, Context]], memo: Memo) -> Flow:
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
    for function, context in _functions(walked):
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
    return Flow(units, effects, dict(walked), complete)


def _functions(
    walked: Sequence[tuple[ir.Stmt, Context]],
) -> Iterator[tuple[ir.Function, Context]]:
    """Functions, those first that call others: a helper is best seen through its caller."""
    for stmt, context in reversed(walked):
        if isinstance(stmt, ir.Function):
            yield stmt, context


def _still_true(effect: Effect, state: dict[Key, Value]) -> bool:
    for key, value in effect.reads.items():
        now = state.get(key)
        if now is not value and now != value:
            return False
    return True


def _run_unit(machine: Machine, unit: ir.Unit, state: dict[Key, Value]) -> Effect:
    _reset(machine, state)
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
