"""The evaluation boundary of a repository: what the reported metric depends on.

Declared files and functions, the evaluator script with what it imports, and every statement that
the formula of a reported metric was computed by. A whole file is protected only when nothing in
it is the method's. What could not be followed is said in words; what to do about a change is
`audit.py`'s business.

Symbols are `path` (a whole file), `path::function`, or `path::function@fingerprint` for one
statement of a function that also holds the method.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from autosota.agents.code.facts import MODULE, Statement
from autosota.agents.code.values import DATA, LOAD, walk
from autosota.agents.domain import Boundary, Objective
from autosota.agents.protocols import Tree
from autosota.agents.supervisor.formula import WRAPPERS, evaluation_part, is_model
from autosota.agents.supervisor.reading import Reading, read

SETTINGS = ("autosota.toml",)
"""Files that hold the objective itself."""


def draw_boundary(tree: Tree, objective: Objective) -> Boundary:
    """The boundary of a tree. `unknown` says what could not be analysed."""
    return boundary_of(read(tree, objective), objective)


def boundary_of(reading: Reading, objective: Objective) -> Boundary:
    """The boundary of a program that was followed already."""
    known = set(reading.program.files)
    unknown = list(reading.unknown)
    symbols: set[str] = set()
    files = {f for f in SETTINGS if f in known}
    patterns = (*objective.protocol.data, *objective.protocol.labels)
    files |= {f for f in known if matches(f, patterns)}
    declared: set[str] = set()
    for entry in objective.protocol.evaluation:
        path, _, symbol = entry.partition("::")
        if path not in known:
            unknown.append(f"protocol.evaluation names {path}, which is not in the repository")
        elif symbol:
            symbols.add(entry)
            if path.endswith(".py") and symbol not in reading.program.facts(path).symbols:
                unknown.append(f"protocol.evaluation names {entry}, which is not defined there")
        else:
            declared.add(path)
    method = set(reading.command.files)
    evaluator = set(reading.evaluator.files)
    files |= declared | (evaluator - _with_method(reading, evaluator & method))
    symbols |= declared | evaluator
    statements, trained = evaluation_statements(reading), training_statements(reading)
    for path, symbol in sorted({(s.facts.path, s.symbol) for s in statements}):
        own = [s for s in statements if (s.facts.path, s.symbol) == (path, symbol)]
        if (path, symbol) in trained or symbol == MODULE:
            symbols |= {f"{path}::{symbol}@{s.fingerprint}" for s in own}
        else:
            symbols.add(f"{path}::{symbol}")
    return Boundary(tuple(sorted(symbols)), tuple(sorted(files)), tuple(unknown))


def _with_method(reading: Reading, shared: set[str]) -> set[str]:
    """Files that both the evaluator and the command load, and that hold training or a model."""
    holds = {path for path, _symbol in training_statements(reading)}
    holds |= {e.path for e in reading.command.entries}
    return shared & holds


def matches(path: str, patterns: Iterable[str]) -> bool:
    """True when a path is matched by one of the globs of the objective (`data/**`)."""
    for pattern in patterns:
        plain = pattern.removeprefix("./").rstrip("/")
        if fnmatch.fnmatchcase(path, plain) or (
            path.startswith(plain.removesuffix("**")) and (plain.endswith("/**") or plain == "**")
        ):
            return True
        if path == plain or path.startswith(plain + "/"):
            return True
    return False


def evaluation_statements(reading: Reading) -> list[Statement]:
    """The statements of the command's code that the formulas of its metrics come from."""
    wanted: dict[str, set[tuple[int, str]]] = {}
    for sink in reading.sinks:
        made = [sink.event.value, *evaluation_part(sink.value), *sink.conditions]
        for value in made:
            if value.path and value.kind not in ("ref", "obj"):
                wanted.setdefault(value.path, set()).add((value.line, value.symbol))
    return _statements(reading, wanted)


def training_statements(reading: Reading) -> set[tuple[str, str]]:
    """(path, symbol) of everything that takes part in making a model or training it."""
    out: set[tuple[str, str]] = set()
    for learned in reading.learned:
        asked = learned.asked
        for value in walk(learned.value, lambda v, asked=asked: v.key in asked):  # type: ignore[misc]
            rows = value.flags & (DATA | LOAD) and value.kind not in WRAPPERS | {"pred"}
            if value.key in asked or not value.path:
                continue
            if rows or value.kind == "trained" or is_model(value):
                out.add((value.path, value.symbol))
    return out


def _statements(reading: Reading, wanted: dict[str, set[tuple[int, str]]]) -> list[Statement]:
    out: list[Statement] = []
    for path in sorted(wanted):
        lines = {line for line, _ in wanted[path]}
        for statement in reading.program.facts(path).statements:
            end = statement.node.end_lineno or statement.line
            if hasattr(statement.node, "body"):
                end = statement.line
            if any(statement.line <= line <= end for line in lines):
                out.append(statement)
    return out
