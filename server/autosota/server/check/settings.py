"""`[tool.autosota.check]` of a `pyproject.toml`, the command's options, and the objective's words.

Unknown keys, codes and severities are errors that name the nearest known one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from autosota.agents.check.settings import Settings
from autosota.agents.domain import Severity
from autosota.agents.rules import RULES
from autosota.server.errors import UserError

_KEYS = (
    *("select", "ignore", "severity", "per-file-ignores", "exclude", "fail-on"),
    *("test-names", "train-names"),
)
LEVELS = tuple(s.value for s in Severity)


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """Everything that may be set for the command.

    Attributes:
        rules: What the rules are told.
        per_file: Patterns of paths, and the codes that are not reported there.
        exclude: Patterns of files that a folder's search leaves out.
        fail_on: The mildest severity that makes the exit code 1.
        notes: What could not be used, one line each.
    """

    rules: Settings = field(default_factory=Settings)
    per_file: tuple[tuple[str, tuple[str, ...]], ...] = ()
    exclude: tuple[str, ...] = ()
    fail_on: Severity = Severity.WARNING
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Changes when the same bytes may have other findings."""
        told = self.rules
        names = (told.test_names, told.train_names, told.evaluators, told.protected)
        return repr((told.select, told.ignore, sorted(told.severity.items()), names))


def load(
    root: Path,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    fail_on: str | None = None,
) -> CheckSettings:
    """The settings that govern a folder; options of the command line win.

    Raises:
        UserError: a key, code or severity is not known, or the file is no TOML.
    """
    file, table = _table(root)
    for key in table:
        if key not in _KEYS:
            raise UserError(f"{file}: tool.autosota.check.{key} is not known{_near(key, _KEYS)}")
    severity = {
        _code(f"{file}: severity", code): _level(f"{file}: severity.{code}", level)
        for code, level in _mapping(file, "severity", table).items()
    }
    per_file = tuple(
        (pattern, _codes(f"{file}: per-file-ignores.{pattern}", _strings(file, pattern, codes)))
        for pattern, codes in _mapping(file, "per-file-ignores", table).items()
    )
    chosen = select or _strings(file, "select", table.get("select", []))
    left = ignore or _strings(file, "ignore", table.get("ignore", []))
    where = "--select" if select else f"{file}: select"
    out = CheckSettings(
        rules=Settings(
            select=_codes(where, chosen),
            ignore=_codes("--ignore" if ignore else f"{file}: ignore", left),
            severity=severity,
            test_names=_strings(file, "test-names", table.get("test-names", [])),
            train_names=_strings(file, "train-names", table.get("train-names", [])),
        ),
        per_file=per_file,
        exclude=_strings(file, "exclude", table.get("exclude", [])),
        fail_on=_level(
            "--fail-on" if fail_on else f"{file}: fail-on",
            fail_on or table.get("fail-on", Severity.WARNING.value),
        ),
    )
    return _with_objective(out, root)


def _with_objective(settings: CheckSettings, root: Path) -> CheckSettings:
    """The declared evaluation and the protected constants of the objective, when there is one."""
    if not (root / "autosota.toml").is_file():
        return settings
    from autosota.server.config import load_objective

    try:
        objective = load_objective(root)
    except UserError as error:
        note = f"{error} (the check goes on without what it declares)"
        return replace(settings, notes=(*settings.notes, note))
    evaluators = tuple(
        dict.fromkeys(entry.partition("::")[0] for entry in objective.protocol.evaluation)
    )
    return replace(
        settings,
        rules=replace(
            settings.rules, evaluators=evaluators, protected=tuple(objective.protocol.frozen)
        ),
    )


def _table(root: Path) -> tuple[str, Mapping[str, object]]:
    """The nearest `pyproject.toml` at a folder or above it, and its table."""
    for folder in (root, *root.parents):
        file = folder / "pyproject.toml"
        if not file.is_file():
            continue
        try:
            data = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise UserError(f"{file}: cannot be read: {error}") from None
        tool = data.get("tool", {})
        ours = tool.get("autosota", {}) if isinstance(tool, dict) else {}
        table = ours.get("check", {}) if isinstance(ours, dict) else {}
        if not isinstance(table, dict):
            raise UserError(f"{file}: tool.autosota.check is a table")
        return str(file), table
    return "pyproject.toml", {}


def _mapping(file: str, key: str, table: Mapping[str, object]) -> Mapping[str, object]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise UserError(f'{file}: tool.autosota.check.{key} is a table, such as {{ LK101 = "…" }}')
    return value


def _strings(file: str, key: str, value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple) and all(isinstance(v, str) for v in value):
        return tuple(value)
    raise UserError(f"{file}: tool.autosota.check.{key} is a list of texts, not {value!r}")


def _codes(where: str, values: Iterable[str]) -> tuple[str, ...]:
    parts = (p.strip().upper() for v in values for p in v.split(","))
    return tuple(_code(where, part) for part in parts if part)


def _code(where: str, code: str) -> str:
    if any(known.startswith(code.upper()) for known in RULES):
        return code.upper()
    raise UserError(f"{where}: no rule's code starts with '{code}'{_near(code.upper(), RULES)}")


def _level(where: str, value: object) -> Severity:
    if isinstance(value, str) and value in LEVELS:
        return Severity(value)
    raise UserError(f"{where}: {value!r} is none of {', '.join(LEVELS)}")


def _near(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""
