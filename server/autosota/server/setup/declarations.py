"""What an objective declares, held against the repository before anything is paid for.

A typo in a control's column or in a flag would otherwise be found after hours, when the control
is due. Only what is certainly wrong is a problem; what cannot be known is passed over. What the
declared things are used for is not known here.
"""

from __future__ import annotations

import csv
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

from autosota.agents.code.command import started_by
from autosota.agents.code.facts import file_facts
from autosota.agents.domain import Objective, RowsControl
from autosota.agents.init.accepts import flags_of, unknown_arguments, unknown_settings
from autosota.agents.init.files import read_by
from autosota.agents.protocols import Tree
from autosota.server.config import LoadedObjective, ObjectiveError
from autosota.server.sandbox import shares
from autosota.server.sandbox.permute import ControlNotPossible
from autosota.server.sandbox.variant import command_of, reordered
from autosota.server.workspace import globs

_TRIED = 8 * 2**20
"""Bytes of a file up to which its rows are permuted once to see that it can be done."""

_HEADER = 1 << 16
_LAST = re.compile(r"\s*(?:&&|;)\s*")

Problem = tuple[str, str]
"""The key of the objective, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Repository:
    """The commit that runs start from, and the user's folder, where data is."""

    objective: Objective
    tree: Tree
    root: Path
    files: frozenset[str]

    def sees(self, path: str) -> bool:
        """True when a run sees the file: it is in the commit, or declared data or labels."""
        protocol = self.objective.protocol
        declared = (*protocol.data, *protocol.labels)
        return path in self.files or (globs.match(path, declared) and (self.root / path).exists())


def check_declarations(loaded: LoadedObjective, tree: Tree, root: Path) -> list[str]:
    """Refuse an objective that names what is not there; else what is doubtful, one line each.

    Args:
        loaded: the objective and its file.
        tree: the commit that runs start from.
        root: the user's folder.

    Raises:
        ObjectiveError: files, columns, functions or flags that do not exist; each problem names
            the key, the value and the way out.
    """
    objective = loaded.objective
    repository = Repository(objective, tree, root, frozenset(tree.files()))
    problems = [
        f"{loaded.start}{key}: {what}" for check in _CHECKS for key, what in check(repository)
    ]
    if problems:
        raise ObjectiveError(problems)
    doubts = (_empty_globs, _undeclared_data, _additions)
    return [doubt for find in doubts for doubt in find(repository)]


# ------------------------------------------------------------------ programs and flags


def _programs(repository: Repository) -> Iterator[Problem]:
    """Python files that a command starts, and that no run would see."""
    objective = repository.objective
    for key, command in (("command", objective.command), ("evaluate", objective.evaluate)):
        if not command or started_by(repository.tree, command).entries:
            continue
        words = command.replace(";", " ").split()
        script = next((w for w in words if w.endswith(".py") and "{" not in w and w[0] != "-"), "")
        if script and not posixpath.isabs(script) and "cd" not in words:
            path = posixpath.normpath(script)
            if not repository.sees(path):
                yield f"objective.{key}", _missing(repository, path, PurePosixPath(path).suffix)


def _flags(repository: Repository) -> Iterator[Problem]:
    """Flags of the command, the compute knob and the transfers that the program does not know."""
    objective, tree = repository.objective, repository.tree
    for found in unknown_arguments(tree, objective.command):
        way = "" if found.near else "; take it out, or let the program read it"
        yield "objective.command", f"{found}{way}"
    knob = objective.controls.compute_knob
    if knob is not None:
        for found in unknown_settings(tree, objective.command, [knob.flag]):
            way = "" if found.near else "; name the flag that sets its compute, or leave it out"
            yield "controls.compute_knob", f"{found}{way}"
    for number, transfer in enumerate(objective.transfers):
        flags = flags_of(transfer.arguments)
        for found in unknown_settings(tree, objective.command, flags):
            way = "" if found.near else f"; mend the arguments of transfer {transfer.name!r}"
            yield f"transfer[{number}].arguments", f"{found}{way}"


# ------------------------------------------------------------------ the evaluation


def _evaluation(repository: Repository) -> Iterator[Problem]:
    """Entries of protocol.evaluation whose file or function does not exist."""
    key = "protocol.evaluation"
    for entry in repository.objective.protocol.evaluation:
        path, _, symbol = entry.partition("::")
        if not repository.sees(posixpath.normpath(path)):
            if (repository.root / path).is_dir() or any(c in path for c in "*?["):
                yield key, f"{path!r} is no file; name each file, or file.py::function"
                continue
            yield key, _missing(repository, path, PurePosixPath(path).suffix)
        elif symbol and path in repository.files and path.endswith(".py"):
            facts = file_facts(path, repository.tree.read(path))
            if symbol in facts.symbols or not facts.symbols:
                continue
            near = _near(symbol, facts.symbols)
            known = ", ".join(list(facts.symbols)[:5])
            hint = f"did you mean {f'{path}::{near}'!r}?" if near else f"it defines {known}"
            yield key, f"{entry!r}: {path} defines no {symbol!r}; {hint}"


# ------------------------------------------------------------------ controls


def _rows(repository: Repository) -> Iterator[Problem]:
    """Files of controls that are not there, or whose rows cannot be permuted."""
    objective, root = repository.objective, repository.root
    for name in ("labels", "inputs"):
        control: RowsControl | None = getattr(objective.controls, name)
        if control is None:
            continue
        key, path = f"controls.{name}", posixpath.normpath(control.file)
        if not repository.sees(path):
            yield key, _missing(repository, path, PurePosixPath(path).suffix, data=True)
            continue
        wrong = _column(repository, control, path)
        if wrong:
            yield key, wrong
            continue
        declared = globs.match(path, objective.protocol.data)
        size = (root / path).stat().st_size if declared else len(repository.tree.read(path))
        if size > _TRIED:
            continue
        planned = shares.plan(root, objective.protocol.data, objective.protocol.labels)
        try:
            reordered(root, objective.protocol, planned, repository.tree, control, 0)
        except ControlNotPossible as refusal:
            yield key, str(refusal)


def _column(repository: Repository, control: RowsControl, path: str) -> str:
    """What is wrong with the column that a control names; '' when nothing is."""
    if not control.column or not path.lower().endswith((".csv", ".tsv")):
        return ""
    names = _header(repository, path)
    if control.column in names:
        return ""
    near = _near(control.column, names)
    listed = ", ".join(names[:8]) + ", …" * (len(names) > 8)
    hint = f"; did you mean {near!r}?" if near else ""
    return f"{path} has no column {control.column!r} (its header: {listed[:200]}){hint}"


def _header(repository: Repository, path: str) -> list[str]:
    """The column names of a CSV or TSV file, from its first line."""
    place = repository.root / path
    if globs.match(path, repository.objective.protocol.data) or path not in repository.files:
        with open(place, "rb") as file:
            start = file.read(_HEADER)
    else:
        start = repository.tree.read(path)[:_HEADER]
    line = next(iter(start.decode("utf-8-sig", "replace").splitlines()), "")
    separator = "\t" if path.lower().endswith(".tsv") else ","
    if separator not in line and ";" in line:
        separator = ";"
    return [name.strip() for name in next(csv.reader([line], delimiter=separator), [])]


# ------------------------------------------------------------------ doubts


def _additions(repository: Repository) -> Iterator[str]:
    """Arguments that would not reach the experiment: behind a pipe, or a copying command."""
    objective = repository.objective
    knob = objective.controls.compute_knob
    added = [("controls.compute_knob", f"{knob.flag} 1")] if knob is not None else []
    added += [(f"transfer {t.name!r}", t.arguments) for t in objective.transfers]
    last = _LAST.split(objective.command)[-1]
    other = last != objective.command and not started_by(repository.tree, last).entries
    for key, arguments in added:
        try:
            command_of(objective.command, arguments)
        except ControlNotPossible as refusal:
            yield f"{key} cannot be used: {refusal}"
        else:
            if other and started_by(repository.tree, objective.command).entries:
                yield (
                    f"{key}: what is added to the end of objective.command goes to "
                    f"{last.split()[0]!r}, not to the experiment; put the command into a script "
                    "that passes its arguments on"
                )


def _empty_globs(repository: Repository) -> Iterator[str]:
    """Globs of data and labels that name nothing."""
    protocol = repository.objective.protocol
    for key, patterns in (("data", protocol.data), ("labels", protocol.labels)):
        for pattern in patterns:
            if not globs.expand(repository.root, (pattern,)):
                first, below, _ = pattern.partition("/")
                here = (p for p in repository.root.iterdir() if p.name[0] != ".")
                near = _near(first, [p.name for p in here if p.is_dir() or not below])
                hint = f"; did you mean {near!r}?" if near else ""
                yield f"protocol.{key}: {pattern!r} names no file{hint}"


def _undeclared_data(repository: Repository) -> Iterator[str]:
    """One file that the command reads and the objective does not declare as data."""
    objective = repository.objective
    if objective.protocol.data or objective.protocol.labels:
        return
    for use in read_by(repository.tree, objective.command):
        place = repository.root / use.path
        if "{" in use.path or use.path.startswith(("/", "~", "..")) or not place.exists():
            continue
        if use.path.endswith((".py", ".yaml", ".yml", ".toml", ".json", ".cfg", ".ini")):
            continue
        folder = posixpath.dirname(use.path)
        glob = f"{use.path}/**" if place.is_dir() else f"{folder}/**" if folder else use.path
        yield (
            f"protocol.data is not set, but {use.where} reads {use.path}: changed data would not "
            f'be noticed; set data = ["{glob}"] below [protocol]'
        )
        return


# ------------------------------------------------------------------ words


def _missing(repository: Repository, path: str, suffix: str, *, data: bool = False) -> str:
    """That no run sees a file, and what to do."""
    if (repository.root / path).is_file():
        way = "name it in protocol.data" if data else "add it to git"
        return f"{path!r} is a file that git ignores, so no run sees it; {way}"
    protocol = repository.objective.protocol
    declared = globs.expand(repository.root, (*protocol.data, *protocol.labels))
    known = [*sorted(repository.files), *declared]
    near = _near(path, [f for f in known if f.endswith(suffix)] or known)
    hint = f"; did you mean {near!r}?" if near else "; paths are relative to the repository"
    return f"there is no file {path!r}{hint}"


def _near(wanted: str, known: Iterable[str]) -> str:
    """The known name that was probably meant; '' when none is close."""
    names = list(dict.fromkeys(known))
    lowered = {name.lower(): name for name in reversed(names)}
    same = [n for n in names if n.rsplit("/", 1)[-1] == wanted.rsplit("/", 1)[-1]]
    found = same or [lowered[n] for n in get_close_matches(wanted.lower(), list(lowered), n=1)]
    return found[0] if found else ""


_CHECKS: tuple[Callable[[Repository], Iterator[Problem]], ...] = (
    _programs,
    _flags,
    _evaluation,
    _rows,
)
