"""Where a program shows its metrics, and how the runner can read them there.

`METRIC name=value` lines, JSON files with a key, printed text with a pattern. A reading says
where a number will be; what it is worth to the user is decided in `goal`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import islice, product

from tree_sitter import Node

from autosota.agents.code.source import SourceFile
from autosota.agents.domain import MetricSource
from autosota.agents.init import syntax
from autosota.agents.init.repository import Repository
from autosota.agents.init.syntax import Piece
from autosota.agents.objective import printed, vocabulary
from autosota.agents.objective.labels import VALUE, label_of, plain
from autosota.agents.objective.printed import Line
from autosota.agents.objective.program import Program

_METRIC = re.compile(r"\s*METRIC\s+([\w./@:-]+)\s*=\s*$")
_NAME = re.compile(r"[\w ./@:-]{1,60}")
_MOST_NAMES = 12
_MOST_LINES = 48


class Kind(IntEnum):
    """How a metric can be read, the most reliable way first."""

    LINE = 0
    KEY = 1
    PATTERN = 2
    LOGGED = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """One metric of a program and how to read it.

    `split` is `test`, `val`, `train` or "". `percent` is true when the number is shown in
    percent. `looped` marks one shown many times, `best` one chosen over several looks.
    """

    name: str
    kind: Kind
    where: str
    source: str = "stdout"
    key: str = ""
    pattern: str = ""
    split: str = ""
    percent: bool = False
    looped: bool = False
    best: bool = False

    def as_source(self) -> MetricSource | None:
        """The declared source; None when the METRIC line needs no declaration."""
        if self.kind is Kind.LINE:
            return None
        unit = "percent" if self.percent else ""
        return MetricSource(self.name, self.source, self.key, self.pattern, unit)


def readings(repo: Repository, script: str, values: Mapping[str, str]) -> tuple[Reading, ...]:
    """All metrics a program shows, each name once, in the most reliable way it is shown.

    Args:
        repo: The repository.
        script: The Python file that is started.
        values: What its settings will be, by the names the code uses.
    """
    program = Program(repo, script, values)
    found: list[Reading] = []
    for source in program.sources:
        found += _json(program, source)
        for printing in printed.lines(source):
            for line in _spelled(program, printing):
                found += _metric_line(line) or _patterns(program, line)
        found += _lightning(program, source)
    best: dict[str, Reading] = {}
    for reading in found:
        old = best.get(reading.name)
        if old is None or _rank(reading) <= _rank(old):
            best[reading.name] = reading
    return tuple(r for r in found if best.get(r.name) is r)


def unread(repo: Repository, script: str) -> tuple[str, ...]:
    """Where a program sends metrics that no runner can read (trackers), in words."""
    found: list[str] = []
    for path in repo.closure(script):
        if not repo.has(path):
            continue
        source = repo.source(path)
        for call in syntax.calls(source):
            called = syntax.callee(source, call)
            if re.search(r"(^wandb\.log|writer\.add_scalar|mlflow\.log_metrics?)$", called):
                found.append(f"{path}, line {call.start_point.row + 1}: {called}")
    return tuple(found[:3])


def _rank(reading: Reading) -> tuple[int, bool, bool]:
    return reading.kind, reading.best, reading.looped


def _spelled(program: Program, line: Line) -> list[Line]:
    """A line with names put in where the source lists them: one line for each combination.

    `for split in ("val", "test"): print(f"{split} accuracy: …")` prints two lines. Each loop
    that lists names prints each of them once, so it does not count as one.
    """
    options: list[list[Piece]] = []
    named = 0
    for piece in line.pieces:
        names = program.texts(line.source, piece.node) if piece.node is not None else []
        if 0 < len(names) <= _MOST_NAMES and all(_NAME.fullmatch(n) for n in names):
            options.append([Piece(n) for n in names])
            named = 1
        else:
            options.append([piece])
    if not named:
        return [line]
    lines: list[Line] = []
    for combination in islice(product(*options), _MOST_LINES):
        pieces: list[Piece] = []
        for piece in combination:
            if piece.node is None and pieces and pieces[-1].node is None:
                pieces[-1] = Piece(pieces[-1].text + piece.text)
            else:
                pieces.append(piece)
        lines.append(replace(line, pieces=tuple(pieces), looped=max(line.looped - named, 0)))
    return lines


def _metric_line(line: Line) -> list[Reading]:
    """`METRIC name=value`."""
    if line.logged or not line.pieces:
        return []
    match = _METRIC.match(line.pieces[0].text)
    if match is None:
        return []
    split = vocabulary.split_of(match[1])
    return [Reading(match[1], Kind.LINE, line.where, split=split, looped=line.looped > 0)]


def _patterns(program: Program, line: Line) -> list[Reading]:
    """Printed text around a number."""
    source, found = line.source, []
    kind = Kind.LOGGED if line.logged else Kind.PATTERN
    before, split_text, split_seen = "", "", ""
    for index, piece in enumerate(line.pieces):
        if piece.node is None:
            before = plain(piece.text)
            if vocabulary.split_of(before) and index + 1 < len(line.pieces):
                split_seen, split_text = vocabulary.split_of(before), before
            found += _report(program, line, piece.text) if len(line.pieces) == 1 else []
            continue
        node = piece.node
        if node.type == "call" and "classification_report" in syntax.callee(source, node):
            found += _report(program, line, "accuracy", node)
        after = line.pieces[index + 1].text if index + 1 < len(line.pieces) else ""
        named = program.measured(source, node) if node.type != "call" else ""
        label = label_of(before, named)
        found += [replace(r, kind=kind) for r in _dumped(program, line, node)]
        if label is not None and not re.search(r"path|file|dir|name", source.text(node)):
            split = vocabulary.split_of(label.name) or split_seen or program.split(source, node)
            lead = split_text if split_seen and not vocabulary.split_of(label.name) else ""
            if lead == before:
                lead = ""
            percent = after.lstrip().startswith("%") or program.in_percent(source, node, piece.spec)
            found.append(
                Reading(
                    vocabulary.with_split(label.name, split),
                    kind,
                    line.where,
                    pattern=label.pattern(lead),
                    split=split,
                    percent=percent,
                    looped=line.looped > 0,
                    best=label.best,
                )
            )
        before = ""
    return found


def _report(program: Program, line: Line, text: str, node: Node | None = None) -> list[Reading]:
    """The accuracy row of scikit-learn's classification_report."""
    if node is None:
        return []
    split = program.split(line.source, node)
    name = vocabulary.with_split("accuracy", split)
    pattern = rf"^\s*{text}\s+{VALUE}"
    return [Reading(name, Kind.PATTERN, line.where, pattern=pattern, split=split)]


def _dumped(program: Program, line: Line, node: Node) -> Iterator[Reading]:
    """A dict that is printed, as it is or as JSON: its keys stand in the text."""
    shown, quote = node, "'"
    if node.type == "call" and syntax.callee(line.source, node) == "json.dumps":
        given = syntax.arguments(line.source, node)
        shown, quote = given.positional[0], '"'
    if shown.type not in ("identifier", "dictionary", "call"):
        return
    for key, value in program.keys(line.source, shown):
        name = vocabulary.slug(key)
        if not vocabulary.is_metric(name) or _is_series(value) or not key.isprintable():
            continue
        last = re.escape(key.rsplit(".", 1)[-1])
        pattern = rf"{quote}{last}{quote}:\s*(?:np\.float\d+\()?{VALUE}"
        split = vocabulary.split_of(name)
        yield Reading(
            name, Kind.PATTERN, line.where, pattern=pattern, split=split, looped=line.looped > 0
        )


def _json(program: Program, source: SourceFile) -> Iterator[Reading]:
    """Keys of dicts that are written as JSON (or JSON lines) to a file that can be followed."""
    for call in syntax.calls(source):
        called = syntax.callee(source, call)
        given = syntax.arguments(source, call)
        target: Node | None = None
        held: Node | None = None
        if called == "json.dump" and len(given.positional) > 1:
            held, target = given.positional[:2]
        elif called.endswith((".write_text", ".write")) and given.positional:
            inner = next(
                (
                    c
                    for c in syntax.calls(source, given.positional[0])
                    if syntax.callee(source, c) == "json.dumps"
                ),
                None,
            )
            function = call.child_by_field_name("function")
            if inner is not None and function is not None:
                held = next(iter(syntax.arguments(source, inner).positional[:1]), None)
                target = function.child_by_field_name("object")
        if held is None or target is None:
            continue
        path = program.path(source, target)
        if path is None or path.startswith(("/", "~", "..")) or path.endswith(".py"):
            continue
        where = f"{source.path}, line {call.start_point.row + 1}"
        for key, value in program.keys(source, held):
            name = vocabulary.slug(key)
            if not vocabulary.is_metric(name) or _is_series(value) or not key.isprintable():
                continue
            split = vocabulary.split_of(name)
            if not split and value is not None:
                split = program.split(source, value)
                name = vocabulary.with_split(name, split)
            percent = value is not None and program.in_percent(source, value)
            yield Reading(
                name, Kind.KEY, where, path, key, split=split, percent=percent, best="best" in name
            )


def _lightning(program: Program, source: SourceFile) -> Iterator[Reading]:
    """`self.log("test_acc", …)`: `trainer.test` and `.validate` print a table of these."""
    shown = {
        "test": any(c.endswith("rainer.test") for c in program.called),
        "val": any(c.endswith("rainer.validate") for c in program.called),
    }
    if not any(shown.values()):
        return
    for call in syntax.calls(source):
        if syntax.callee(source, call) != "self.log":
            continue
        given = syntax.arguments(source, call).positional
        logged = syntax.string(source, given[0]) if given else None
        split = vocabulary.split_of(logged or "")
        if logged and logged.isprintable() and vocabulary.is_metric(logged) and shown.get(split):
            where = f"{source.path}, line {call.start_point.row + 1}"
            pattern = rf"\b{re.escape(logged)}\W+{VALUE}"
            name = vocabulary.slug(logged)
            yield Reading(name, Kind.PATTERN, where, pattern=pattern, split=split)


def _is_series(value: Node | None) -> bool:
    return value is not None and value.type in ("list", "list_comprehension", "string")
