"""Reading metrics from what a run left: pure functions over text, no files, no processes.

One name has one value. Equal repetitions are fine; two different values make it unknown, and
so does a value that is missing or not finite. "The last one wins" holds only where a series
is natural: a JSON lines file (the last line that has the key), and an objective's `pattern`,
which often matches once per epoch. `METRIC` lines never form a series, unless they say which
step they are of: `METRIC name=value step=3` is a value on the way and never the final one (see
`Steps`). Whatever else carries
the same name must agree: exactly among `METRIC` lines, and up to the shown digits between a
`METRIC` line and a file, because programs round what they print.

A reading made by the command and one made by the evaluator are compared the same way; the
evaluator's is the one that counts. Where the numbers are (files, logs) is `runner.py`'s.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from autosota.agents.domain import MetricReading, Objective, Outcome

MASKED = "masked until confirmation"
"""The reason of a reading that is known but may not be looked at yet."""

_LINE = re.compile(
    rb"(?:^|(?<=[\r\n]))[ \t]*METRIC[ \t]+([\w./@:\-]{1,200})[ \t]*=[ \t]*([^\s]{1,100})"
    rb"(?:[ \t]+step=([+-]?\d{1,15})(?![^\s]))?"
)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_MOST_NAMES = 1000
_MOST_VALUES = 20
_REST_BYTES = 4096
MOST_STEPS = 1000
"""Values on the way that are kept of one metric; those that were reported first."""


@dataclass(frozen=True, slots=True)
class Found:
    """The values one source gave for one metric.

    `texts` are the values as written, different ones only. `declared` is true for the source
    the objective names, false for a `METRIC` line beside it. `series` says that the last text
    is the value. `problem` explains a source that could not be read.
    """

    name: str
    origin: str
    texts: tuple[str, ...] = ()
    declared: bool = True
    series: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """The readings of a run, and the outcome they force. `secrets` are texts to mask."""

    readings: tuple[MetricReading, ...]
    outcome: Outcome
    reason: str
    secrets: tuple[str, ...]


def number(text: str) -> float | None:
    """The number a text is, NaN and infinities included; None when it is none.

    Stricter than `float`: no underscores, no words around it.
    """
    text = text.strip()
    if _NUMBER.fullmatch(text) or _NOT_FINITE.fullmatch(text):
        return float(text)
    return None


OnStep = Callable[[str, int, float], None]
"""Called with the name, the step and the value of each first value of a step."""


class MetricLines:
    """Collects `METRIC name=value` lines of a stream, chunk by chunk, in bounded memory.

    Args:
        on_step: Gets the values on the way, as they come.

    Attributes:
        texts: The different final values of each name, as written.
        steps: The values on the way of each name, as written, by step; of two for one step
            the first counts.
    """

    def __init__(self, on_step: OnStep | None = None) -> None:
        self._rest = b""
        self._fresh = True
        self._on_step = on_step
        self.texts: dict[str, list[str]] = {}
        self.steps: dict[str, dict[int, str]] = {}

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        data = self._rest + data
        cut = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        self._take(data[:cut])
        if cut:
            self._fresh = True
        self._rest = data[cut:]
        if len(self._rest) > _REST_BYTES:
            # no metric line is that long: look at its start now, and not at its end
            self._take(self._rest)
            self._rest, self._fresh = b"", False

    def end(self) -> None:
        """The stream is over: its last line may have no end."""
        self._take(self._rest)
        self._rest = b""

    def found(self, origin: str) -> list[Found]:
        """All metric lines seen, by name."""
        return [Found(n, origin, tuple(t), declared=False) for n, t in self.texts.items()]

    def intermediate(self, name: str) -> tuple[tuple[int, float], ...]:
        """(step, value) of a metric on its way, by step; finite values only."""
        read = ((step, number(text)) for step, text in sorted(self.steps.get(name, {}).items()))
        return tuple((step, v) for step, v in read if v is not None and math.isfinite(v))

    def _take(self, data: bytes) -> None:
        if b"METRIC" not in data:
            return
        for match in _LINE.finditer(data):
            if match.start() == 0 and not self._fresh:
                continue  # the middle of an over-long line
            name = match[1].decode("utf-8", "replace")
            text = match[2].decode("utf-8", "replace")
            if match[3] is not None:
                self._take_step(name, int(match[3]), text)
                continue
            if name not in self.texts and len(self.texts) >= _MOST_NAMES:
                continue
            texts = self.texts.setdefault(name, [])
            if text not in texts and len(texts) < _MOST_VALUES:
                texts.append(text)

    def _take_step(self, name: str, step: int, text: str) -> None:
        if name not in self.steps and len(self.steps) >= _MOST_NAMES:
            return
        known = self.steps.setdefault(name, {})
        value = number(text)
        if value is None or step in known:
            return
        if len(known) < MOST_STEPS:
            known[step] = text
        if self._on_step is not None:
            self._on_step(name, step, value)


class _TwoValues(str):
    """Stands in a JSON object for a key that came twice with different values."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    out: dict[str, object] = {}
    for key, value in pairs:
        out[key] = _TwoValues(key) if key in out and out[key] != value else value
    return out


def _lookup(value: object, key: str) -> object:
    """The value at a dotted key; names that hold dots are found, too.

    Raises:
        KeyError: it is not there.
    """
    if not key:
        return value
    if isinstance(value, dict):
        if key in value:
            return value[key]
        parts = key.split(".")
        for count in range(len(parts) - 1, 0, -1):
            head = ".".join(parts[:count])
            if head in value:
                return _lookup(value[head], ".".join(parts[count:]))
    elif isinstance(value, list):
        head, _, rest = key.partition(".")
        if re.fullmatch(r"-?\d{1,9}", head) and -len(value) <= int(head) < len(value):
            return _lookup(value[int(head)], rest)
    raise KeyError(key)


def _text(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    return repr(value) if isinstance(value, float) else str(value)[:100]


def from_json(name: str, content: str, key: str, origin: str) -> Found:
    """A metric from JSON, or from the last line of JSON lines that has the key."""
    try:
        document = json.loads(content, object_pairs_hook=_object)
        try:
            value = _lookup(document, key)
        except KeyError:
            return Found(name, origin, problem=f"there is no key {key}")
        if isinstance(value, _TwoValues):
            return Found(name, origin, problem=f"the key {key} is there twice")
        return Found(name, origin, (_text(value),))
    except (ValueError, RecursionError):
        pass
    for line in reversed(content.splitlines()):
        if not line.lstrip().startswith(("{", "[")):
            continue
        try:
            value = _lookup(json.loads(line, object_pairs_hook=_object), key)
        except (ValueError, RecursionError, KeyError):
            continue
        if isinstance(value, _TwoValues):
            return Found(name, origin, problem=f"the key {key} is there twice")
        return Found(name, origin, (_text(value),), series=True)
    return Found(name, origin, problem=f"no JSON with the key {key}")


def agree(left: str, right: str) -> bool:
    """True when two numbers are equal up to the digits that the shorter one shows."""
    one, two = number(left), number(right)
    if one is None or two is None:
        return left.strip() == right.strip()
    if one == two or (math.isnan(one) and math.isnan(two)):
        return True
    if not (math.isfinite(one) and math.isfinite(two)):
        return False
    try:
        a, b = Decimal(left.strip()), Decimal(right.strip())
        step = Decimal(1).scaleb(max(int(a.as_tuple().exponent), int(b.as_tuple().exponent)))
        return step < 1 and abs(a - b) <= step / 2
    except InvalidOperation:
        return False


def judge(objective: Objective, found: Iterable[Found], *, mask_claim: bool) -> Judged:
    """Decide what each metric's value is.

    Only `metric` and `select_on` decide the outcome. Every other name that was declared, is
    guarded or was printed in a `METRIC` line gets a reading, which may be unknown.

    Args:
        objective: Names the claim, the selection metric and declared sources.
        found: What the sources gave, declared ones and metric lines, of both origins.
        mask_claim: Return the claim, and what else tells of it, without values.
    """
    by_name: dict[str, list[Found]] = {}
    for item in found:
        by_name.setdefault(item.name, []).append(item)
    resources = {"wall_seconds", "cpu_seconds", "peak_memory_bytes", "disk_bytes"}
    guards = [g.name for g in objective.guards if g.name not in resources]
    names = dict.fromkeys((objective.metric, objective.select_on, *objective.metrics, *guards))
    readings: list[MetricReading] = []
    worst: tuple[int, Outcome, str] = (0, Outcome.OK, "")
    secrets: list[str] = []
    rank = {Outcome.METRIC_MISSING: 1, Outcome.METRIC_NOT_FINITE: 2, Outcome.METRIC_CONFLICT: 3}
    for name in dict.fromkeys((*names, *by_name)):
        items = by_name.get(name, [])
        secret = mask_claim and objective.tells_of_claim(name)
        if secret:
            secrets += [text for item in items for text in item.texts]
        source = objective.source_of(name)
        elsewhere = bool(source.key or source.pattern or source.source != "stdout")
        reading, outcome = _one(name, items, elsewhere, quiet=secret)
        if outcome is not Outcome.OK:
            if name in (objective.metric, objective.select_on) and rank[outcome] > worst[0]:
                worst = (rank[outcome], outcome, reading.reason)
        elif secret:
            reading = MetricReading(name, None, reading.origin, MASKED)
        readings.append(reading)
    return Judged(tuple(readings), worst[1], worst[2], tuple(dict.fromkeys(secrets)))


def _one(
    name: str, items: Sequence[Found], elsewhere: bool, quiet: bool
) -> tuple[MetricReading, Outcome]:
    """The reading of one name, and what is wrong with it.

    `elsewhere` is true when the objective says to read it from anything but a METRIC line.
    """
    told = [i for i in items if i.texts]
    # what counts: the evaluator before the command, the declared source before a METRIC line
    ranked = sorted(told, key=lambda i: (i.origin != "evaluate", not i.declared))
    usable = [i for i in ranked if i.declared or not elsewhere]
    if not usable:
        problems = [i.problem for i in items if i.problem]
        twice = [p for p in problems if p.endswith("twice")]
        reason = f"{name}: {(twice or problems or ['never printed'])[0]}"
        outcome = Outcome.METRIC_CONFLICT if twice else Outcome.METRIC_MISSING
        return MetricReading(name, None, "command", reason), outcome
    chosen = usable[0]
    text = chosen.texts[-1] if chosen.series else chosen.texts[0]
    for item in told:
        values = item.texts[-1:] if item.series else item.texts
        for other in values:
            same_kind = item is chosen or (not item.declared and not chosen.declared)
            if _equal(text, other) if same_kind else agree(text, other):
                continue
            shown = "" if quiet else f": {text[:40]} and {other[:40]}"
            reason = f"{name} has two values{shown}"
            if not item.declared and not chosen.declared and item.origin == chosen.origin:
                reason += f"; print values on the way with their step: `METRIC {name}=… step=3`"
            return MetricReading(name, None, chosen.origin, reason), Outcome.METRIC_CONFLICT
    value = number(text)
    if value is None:
        shown = "its value" if quiet else repr(text[:40])
        reason = f"{name}: {shown} is not a number"
        return MetricReading(name, None, chosen.origin, reason), Outcome.METRIC_MISSING
    if not math.isfinite(value):
        shown = "" if quiet else f" ({text[:40]})"
        reason = f"{name} is not finite{shown}"
        return MetricReading(name, None, chosen.origin, reason), Outcome.METRIC_NOT_FINITE
    return MetricReading(name, value, chosen.origin), Outcome.OK


def _equal(left: str, right: str) -> bool:
    one, two = number(left), number(right)
    if one is None or two is None:
        return left == right
    return one == two or (math.isnan(one) and math.isnan(two))
