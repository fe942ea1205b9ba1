"""The reported metrics of two programs, side by side.

Each report of the base must still be there, once, computed by the same formula up to the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from autosota.agents.code.values import DATA, ENV, LOAD, OPTION, PRED, SEED, TIME, Value, show, walk
from autosota.agents.domain import Finding, Place, RelatedPlace, Severity
from autosota.agents.rules import finding
from autosota.agents.supervisor.choices import choice_of
from autosota.agents.supervisor.compare import differences
from autosota.agents.supervisor.formula import evaluation_part, labels_of, skeleton
from autosota.agents.supervisor.judge import judge
from autosota.agents.supervisor.reading import Reading
from autosota.agents.supervisor.sinks import Sink

_DATA = DATA | LOAD
_WARN = Severity.WARNING


def place_of(value: Value | None, fallback: Value) -> Place:
    """Where a value was made; a sink's place when it was made nowhere."""
    for source in (value, fallback):
        if source is not None:
            if source.path:
                return Place(source.path, max(source.line, 1))
            for part in walk(source):
                if part.path:
                    return Place(part.path, max(part.line, 1))
    return Place("", 1)


def compare_reports(base: Reading, candidate: Reading) -> list[Finding]:
    """Findings about metrics that are gone, doubled, or computed in another way."""
    out: list[Finding] = []
    before, after = _grouped(base.sinks), _grouped(candidate.sinks)
    for name in before:
        mine, theirs = before[name], after.get(name, [])
        pairs, lost, extra = _paired(mine, theirs)
        for sink in lost:
            if not name and candidate.sinks:
                message = "a report with a computed name is made in another way"
                out.append(finding("EV201", _at(sink), message, severity=_WARN))
            else:
                out.append(finding("TO602", _at(sink), f"`{name or 'a metric'}` is not reported"))
        for sink in extra:
            out.append(_extra(sink, name or "a metric"))
        for left, right in pairs:
            out += _formula(left, right, base)
            out += _circumstances(left, right, base, candidate)
    for name, sinks in after.items():
        if name not in before:
            out += _new(name, sinks, base)
    return out


def _grouped(sinks: Iterable[Sink]) -> dict[str, list[Sink]]:
    out: dict[str, list[Sink]] = {}
    for sink in sinks:
        out.setdefault(sink.name, []).append(sink)
    return out


def _paired(
    before: list[Sink], after: list[Sink]
) -> tuple[list[tuple[Sink, Sink]], list[Sink], list[Sink]]:
    """Equal formulas first, then in order."""
    left, right = list(before), list(after)
    pairs: list[tuple[Sink, Sink]] = []
    for sink in before:
        same = next((s for s in right if s.value.key == sink.value.key), None)
        if same is not None:
            pairs.append((sink, same))
            left.remove(sink)
            right.remove(same)
    pairs += list(zip(left, right, strict=False))
    count = min(len(left), len(right))
    return pairs, left[count:], right[count:]


def _at(sink: Sink) -> Place:
    return place_of(sink.event.value, sink.event.value)


def _extra(sink: Sink, name: str) -> Finding:
    if not sink.value.flags & (_DATA | PRED):
        return finding("EV213", _at(sink), f"`{name}` is reported again, by hand")
    return finding("EV201", _at(sink), f"`{name}` is reported a second time")


def _new(name: str, sinks: list[Sink], base: Reading) -> Iterator[Finding]:
    for sink in sinks:
        if not name:
            yield finding("EV213", _at(sink), "a metric with a computed name is reported")
        elif sink.kind == "prediction" and base.sinks:
            message = f"another file is handed to the evaluator: {name}"
            yield finding("EV201", _at(sink), message, severity=_WARN)


def _formula(left: Sink, right: Sink, base: Reading) -> Iterator[Finding]:
    if left.value.key == right.value.key:
        return
    important = _important(left, base)
    for difference in differences(left.value, right.value):
        after = difference.after
        if not important:
            was_made = difference.before is not None and difference.before.kind != "const"
            if after is not None and after.kind == "const" and was_made:
                message = f"`{left.name}` is written by hand: {show(after, 60)}"
                yield finding("EV213", place_of(after, right.event.value), message)
            continue
        judgement = judge(difference, left.value, base.rows)
        if judgement is None:
            continue
        if judgement.code == "EV204" and left not in base.claim:
            continue  # the best of several by the validation score is how one chooses
        at = place_of(judgement.after, right.event.value)
        related = []
        if judgement.before is not None:
            old = place_of(judgement.before, left.event.value)
            related.append(RelatedPlace(old.path, old.line, "in the base"))
        report = _at(right)
        related.append(RelatedPlace(report.path, report.line, f"reported as {left.name or '?'}"))
        # what nobody reads as a metric is looked at, not refused
        severity = _WARN if left.name.startswith("key:") else judgement.severity
        yield finding(judgement.code, at, judgement.message, related, severity)


def _important(sink: Sink, base: Reading) -> bool:
    """False for figures of training and of the model: they change with the method."""
    if sink in base.claim or sink.kind == "prediction":
        return True
    if sink in base.select:
        return not _while_training(sink, base)
    if sink.name.startswith("key:") and not _scores(sink.value):
        return False  # a setting that was chosen, written beside the metrics
    held_out = base.rows.claim | base.rows.select
    only_trained = base.rows.trained - held_out
    rows = {v.key for v in evaluation_part(sink.value) if v.flags & _DATA and not v.flags & PRED}
    if not rows:
        return False
    labels = labels_of([sink.value])
    return not (labels & only_trained) and bool(rows & held_out)


def _while_training(sink: Sink, base: Reading) -> bool:
    """True for what a model earns while it learns to act: that world is the method's own."""
    if not sink.value.flags & ENV:
        return False
    held = {v.key for s in base.claim for v in walk(s.value) if v.flags & ENV}
    return not any(v.key in held for v in walk(sink.value) if v.flags & ENV and v.flags & PRED)


def _scores(value: Value) -> bool:
    """True when at least one of what a value may be was computed from predictions."""
    found = choice_of(value)
    return any(v.flags & (PRED | _DATA) for v in (found.options if found else (value,)))


def _circumstances(left: Sink, right: Sink, base: Reading, candidate: Reading) -> Iterator[Finding]:
    """When and how often a metric is reported."""
    old = {skeleton(c) for c in left.conditions}
    there = {(c.kind, c.head, c.path, c.line) for c in left.conditions}
    for condition in right.conditions:
        if skeleton(condition) in old:
            continue
        at = (condition.kind, condition.head, condition.path, condition.line)
        if at in there and _same_text(condition.path, base, candidate):
            continue  # the base's own condition, of what the candidate now says
        if condition.flags & (_DATA | PRED):
            message = f"`{left.name}` is only reported if {show(condition, 60)}"
            yield finding("EV206", place_of(condition, right.event.value), message,
                          severity=Severity.ERROR)  # fmt: skip
        elif condition.kind == "while" or not condition.flags & OPTION:
            message = f"`{left.name}` is reported under a new condition: {show(condition, 60)}"
            yield finding("EV201", place_of(condition, right.event.value), message, severity=_WARN)
    if len(right.event.loops) > len(left.event.loops):
        message = f"`{left.name}` is reported in every turn of a loop"
        yield finding("EV204", _at(right), message, severity=_WARN)


def _same_text(path: str, base: Reading, candidate: Reading) -> bool:
    texts = [
        r.program.facts(path).source.content if path in r.program.python else None
        for r in (base, candidate)
    ]
    return texts[0] is not None and texts[0] == texts[1]


def timing(base: Reading, candidate: Reading) -> list[Finding]:
    """A metric of speed: what is between the clocks, and the waits for the device."""
    measured = [s for s in (*base.claim, *base.select) if s.value.flags & TIME]
    if not measured:
        return []
    out: list[Finding] = []
    waits = [_waits(r) for r in (base, candidate)]
    sink = candidate.claim[0] if candidate.claim else measured[0]
    if waits[1] < waits[0]:
        out.append(finding("EV217", _at(sink), "a wait for the device was removed"))
    marks = [_between(r) for r in (base, candidate)]
    if marks[0] != marks[1]:
        message = "what happens between the clocks is different"
        out.append(finding("EV217", _at(sink), message, severity=_WARN))
    return out


def _waits(reading: Reading) -> int:
    return sum("synchronize" in e.value.head for e in reading.command.events)


def _between(reading: Reading) -> list[str]:
    """Names of what is called, in order, with the clocks among them."""
    out = [e.value.head or e.value.kind for e in reading.command.events]
    clocks = [n for n, e in enumerate(reading.command.events) if e.value.flags & TIME]
    return out[clocks[0] : clocks[-1] + 1] if clocks else []


def seeds(base: Reading, candidate: Reading) -> list[Finding]:
    """Seeds that no longer follow the run's seed."""
    before, after = _seeded(base), _seeded(candidate)
    if not any(v.flags & SEED for v in before.values()):
        return []
    out: list[Finding] = []
    if after and not any(v.flags & SEED for v in after.values()):
        # a method without randomness needs no seed; one with a constant seed was chosen
        first = next(iter(after.values()))
        message = "nothing depends on the run's seed any more"
        out.append(finding("SEL501", place_of(first, first), message))
        return out
    for name, value in after.items():
        old = before.get(name)
        if old is not None and old.flags & SEED and not value.flags & SEED:
            message = f"the seed of `{name}` is pinned"
            out.append(finding("SEL501", place_of(value, value), message))
    pinned = [v for n, v in after.items() if n not in before and not v.flags & SEED]
    gone = [n for n, v in before.items() if n not in after and v.flags & SEED]
    if pinned and gone:
        message = "a seed is pinned where the base's followed the run"
        out.append(finding("SEL501", place_of(pinned[0], pinned[0]), message, severity=_WARN))
    return out


def _seeded(reading: Reading) -> dict[str, Value]:
    out: dict[str, Value] = {}
    for event in reading.command.events:
        value = event.value
        if value.kind not in ("call", "method"):
            continue
        seed: Value | None = None
        for name in ("random_state", "seed", "random_seed"):
            seed = seed or value.named(name)
        positional = value.positional[1:] if value.kind == "method" else value.positional
        tail = value.head.rpartition(".")[2]
        if seed is None and positional and tail in _SEEDERS:
            seed = positional[0]
        if seed is None or (seed.kind == "const" and seed.head == "None"):
            continue
        known = out.get(value.head)
        if known is None or known.flags & SEED:
            made = Value("seed", value.head, (seed,), 0, (value.path, value.line, value.symbol))
            out[value.head] = made
    return out


_SEEDERS = {
    "seed", "manual_seed", "manual_seed_all", "default_rng", "set_seed", "seed_everything",
    "RandomState", "PRNGKey", "seed_all", "Random",
}  # fmt: skip
