"""`[tool.autosota.check]` of a `pyproject.toml`, the command's options, and the objective's words.

Unknown keys, codes and severities are errors that name the nearest known one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from autosota.agents.check.settings import Settings
from autosota.agents.domain import Protocol, Severity
from autosota.agents.rules import RULES
from autosota.server.check.ignored import Ignored
from autosota.server.check.site import Site
from autosota.server.errors import UserError

TABLE = "tool.autosota.check"
KEYS = (*("select", "ignore", "severity", "per-file-ignores", "exclude", "fail-on"),)
LEVELS = tuple(s.value for s in Severity)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says; it wins over files. Empty: nothing was said."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: str = ""


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """Everything that may be set for the files of one site.

    Attributes:
        rules: What the rules are told.
        per_file: Patterns of paths as in a .gitignore, and the codes not reported there.
        exclude: Patterns of files that a folder's search leaves out.
        fail_on: The mildest severity that makes the exit code 1.
        folder: The folder that patterns count from.
        notes: What could not be used, one line each.
    """

    rules: Settings = field(default_factory=Settings)
    per_file: tuple[tuple[str, tuple[str, ...]], ...] = ()
    exclude: tuple[str, ...] = ()
    fail_on: Severity = Severity.WARNING
    folder: str = ""
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Changes when the engine may find something else in the same bytes."""
        told = self.rules
        severity = sorted(told.severity.items())
        return repr((told.select, told.ignore, severity, told.evaluators))

    def reports(self, path: str, code: str) -> bool:
        """Whether findings of this code are reported in this file (an absolute path)."""
        return not any(
            any(code.startswith(c) for c in codes)
            and Ignored().also(self.folder, (pattern,)).has(path)
            for pattern, codes in self.per_file
        )

    def fails(self, severity: Severity) -> bool:
        """Whether a finding of this severity makes the exit code 1."""
        return LEVELS.index(severity.value) <= LEVELS.index(self.fail_on.value)


def load(site: Site, options: Options | None = None) -> CheckSettings:
    """The settings of a site; options of the command line win.

    Raises:
        UserError: a key, code or severity is not known, or the file is no TOML.
    """
    said = options or Options()
    table = _Table(site)
    chosen = table.codes("select") if not said.select else _codes("--select", said.select)
    left = table.codes("ignore") if not said.ignore else _codes("--ignore", said.ignore)
    protocol, notes = _protocol(site)
    return CheckSettings(
        rules=Settings(
            select=chosen,
            ignore=left,
            severity=table.severity(),
            evaluators=tuple(dict.fromkeys(e.partition("::")[0] for e in protocol.evaluation)),
        ),
        per_file=table.per_file(),
        exclude=table.texts("exclude"),
        fail_on=Severity(said.fail_on) if said.fail_on else table.level("fail-on"),
        folder=site.settings_folder,
        notes=notes,
    )


def _protocol(site: Site) -> tuple[Protocol, tuple[str, ...]]:
    """The protocol of the objective, when there is one."""
    from autosota.server.workspace.root import has_objective

    root = Path(site.root)
    if not has_objective(root):
        return Protocol(), ()
    from autosota.server.config import load_objective

    try:
        return load_objective(root).protocol, ()
    except UserError as error:
        return Protocol(), (f"{error} (the check goes on without what it declares)",)


class _Table:
    """The table of a file, with errors that name the file and the key."""

    def __init__(self, site: Site) -> None:
        self.file = site.settings or ""
        self.values: Mapping[str, object] = self._read() if self.file else {}
        for key in self.values:
            if key not in KEYS:
                raise UserError(f"{self.where(key)} is not known{_near(key, KEYS)}")

    def _read(self) -> Mapping[str, object]:
        try:
            data = tomllib.loads(Path(self.file).read_bytes().decode("utf-8-sig"))
        except (ValueError, OSError, RecursionError) as error:
            why = " ".join(str(error).split())
            raise UserError(f"{self.file}: cannot be read: {why}") from None
        value: object = data
        for key in TABLE.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if not isinstance(value, dict):
            raise UserError(f"{self.file}: {TABLE} must be a table")
        return value

    def where(self, key: str) -> str:
        return f"{self.file}: {TABLE}.{key}"

    def texts(self, key: str) -> tuple[str, ...]:
        return _texts(self.where(key), self.values.get(key, []))

    def codes(self, key: str) -> tuple[str, ...]:
        return _codes(self.where(key), self.texts(key))

    def level(self, key: str) -> Severity:
        return _level(self.where(key), self.values.get(key, Severity.WARNING.value))

    def severity(self) -> dict[str, Severity]:
        where = self.where("severity")
        out = {}
        for code, level in self._mapping("severity", '{ LK101 = "error" }').items():
            if code.upper() not in RULES:
                raise UserError(f"{where}: there is no rule '{code}'{_near(code.upper(), RULES)}")
            out[code.upper()] = _level(f"{where}.{code}", level)
        return out

    def per_file(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        where = self.where("per-file-ignores")
        table = self._mapping("per-file-ignores", '{ "tests/**" = ["LK"] }')
        return tuple(
            (pattern, _codes(f'{where}."{pattern}"', _texts(f'{where}."{pattern}"', codes)))
            for pattern, codes in table.items()
        )

    def _mapping(self, key: str, such_as: str) -> Mapping[str, object]:
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise UserError(f"{self.where(key)} must be a table such as {such_as}")
        return value


def _texts(where: str, value: object) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return tuple(value)
    raise UserError(f"{where} must be a list of texts, not {value!r}")


def _codes(where: str, values: Iterable[str]) -> tuple[str, ...]:
    parts = (p.strip().upper() for v in values for p in v.split(","))
    return tuple(_code(where, part) for part in parts if part)


def _code(where: str, code: str) -> str:
    if code == "ALL":
        return ""
    if any(known.startswith(code) for known in RULES):
        return code
    raise UserError(f"{where}: no rule's code starts with '{code}'{_near(code, RULES)}")


def _level(where: str, value: object) -> Severity:
    if isinstance(value, str) and value in LEVELS:
        return Severity(value)
    near = _near(value, LEVELS) if isinstance(value, str) else ""
    raise UserError(f"{where}: {value!r} is none of {', '.join(LEVELS)}{near}")


def _near(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""
