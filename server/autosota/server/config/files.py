"""Which file holds a workspace's objective, and its text as a table.

Knows where to look and TOML; what the keys mean is not known here.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autosota.server.errors import UserError
from autosota.server.workspace.root import CHECK, holds_objective

FILE = "autosota.toml"
PYPROJECT = "pyproject.toml"
TABLE = "tool.autosota"

_LARGEST = 4 * 2**20
_AT = re.compile(r"^(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)$", re.DOTALL)


class NoObjective(UserError):
    """There is no objective in this folder."""


@dataclass(frozen=True, slots=True)
class Source:
    """The table of an objective. `label` is the file, `prefix` what its keys start with."""

    file: Path
    label: str
    prefix: str
    table: dict[str, Any]
    warnings: tuple[str, ...] = ()


def objective_file(folder: Path) -> Path | None:
    """The file in this very folder that holds an objective; None when there is none.

    `autosota.toml` wins over `[tool.autosota]` of `pyproject.toml`.
    """
    own = folder / FILE
    if own.exists():
        return own
    pyproject = folder / PYPROJECT
    return pyproject if _mentions_us(pyproject) else None


def read_source(root: Path, file: Path | None = None) -> Source:
    """Read the objective's table of a workspace, or of a file that was named.

    Raises:
        NoObjective: no file was named, and the workspace has none.
        UserError: the file cannot be read or is no TOML.
    """
    chosen = objective_file(root) if file is None else file
    if chosen is None:
        raise NoObjective(f"{root}: no {FILE} here; `autosota init` proposes one")
    label = _label(chosen, root)
    table = _parse(chosen, label)
    if chosen.name != PYPROJECT:
        warnings: tuple[str, ...] = ()
        if file is None and _mentions_us(root / PYPROJECT):
            warnings = (
                f"{FILE} is used; [{TABLE}] in {PYPROJECT} is not read: remove one of the two",
            )
        return Source(chosen, label, "", table, warnings)
    tool = table.get("tool")
    ours = tool.get("autosota") if isinstance(tool, dict) else None
    if not isinstance(ours, dict) or not holds_objective(tool):
        raise NoObjective(f"{label}: no table [{TABLE}] here; `autosota init` proposes one")
    ours = {key: value for key, value in ours.items() if key != CHECK}
    return Source(chosen, label, f"{TABLE}.", ours)


def _mentions_us(pyproject: Path) -> bool:
    """True when it has our table, also when a syntax error elsewhere hides it."""
    try:
        return holds_objective(_parse(pyproject, PYPROJECT).get("tool"))
    except UserError:
        try:
            return pyproject.is_file() and b"tool.autosota" in pyproject.read_bytes()
        except OSError:
            return False


def _label(file: Path, root: Path) -> str:
    try:
        return file.relative_to(root).as_posix()
    except ValueError:
        return str(file)


def _parse(file: Path, label: str) -> dict[str, Any]:
    try:
        if not file.exists():
            raise UserError(f"{label}: no such file")
        if not file.is_file():  # reading a pipe would wait for ever
            raise UserError(f"{label}: not a file")
        if file.stat().st_size > _LARGEST:
            raise UserError(f"{label}: larger than 4 MiB, so not an objective")
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{label}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a path with a zero byte
        raise UserError(f"{label!r}: cannot be read: {error}") from error
    return parse(content, label)


def parse(content: bytes, label: str) -> dict[str, Any]:
    """The table of a TOML text.

    Raises:
        UserError: it is no UTF-8 or no TOML; names the line.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UserError(f"{label}: is in UTF-16; save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{label}: line {line}: not a text in UTF-8 (byte 0x{content[error.start]:02x}); "
            f"save it as UTF-8"
        ) from None
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise UserError(f"{label}: not TOML: nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError is one, and so is a number too long to read
        raise UserError(f"{label}: {_syntax(str(error))}") from None


def _syntax(message: str) -> str:
    found = _AT.match(message)
    if found is None:
        return f"not TOML: {' '.join(message.split())}"
    what = " ".join(found[1].split())
    where = f"line {found[2]}, column {found[3]}" if found[2] else "at its end"
    return f"{where}: not TOML: {what}"
