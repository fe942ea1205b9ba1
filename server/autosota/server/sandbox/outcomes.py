"""Per-example outcomes of a run: the CSV that `objective.outcomes` names, kept and read.

One row per test example, columns `id` and `value`; other columns are not looked at. The file
is moved out of `{run_dir}` into the run's own folder, where no later process of a run can
write, and its hash stands in the receipt. How outcomes are compared is not known here.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from pathlib import Path

from autosota.agents.domain import Objective
from autosota.server.errors import UserError
from autosota.server.sandbox import disk
from autosota.server.sandbox.metrics import number

KEPT = "outcomes.csv"
"""Its name in a run's folder."""

LARGEST = 64 * 2**20
"""Bytes; a larger file is not kept."""

COLUMNS = ("id", "value")
_RUN_DIR = "{run_dir}/"


def place_in_out(objective: Objective) -> str:
    """The path below `{run_dir}` that the objective names; empty when it names none."""
    return objective.outcomes.removeprefix(_RUN_DIR)


def parse(content: bytes, label: str) -> dict[str, float]:
    """The value of each example, in the file's order.

    Raises:
        UserError: it is no such table; one line that names the file, the row and the value.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{label}: not a text in UTF-8 (byte {error.start}); save it so") from None
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: dict[str, float] = {}
    try:
        header = [name.strip() for name in next(rows, [])]
        if any(header.count(name) != 1 for name in COLUMNS):
            raise UserError(
                f"{label}: its first line must name the columns id and value, once each"
            )
        id_at, value_at = (header.index(name) for name in COLUMNS)
        for row in rows:
            if not row:
                continue
            if len(row) <= max(id_at, value_at) or not row[id_at].strip():
                raise UserError(f"{label}: line {rows.line_num} has no id, or no value")
            name, value = row[id_at].strip(), number(row[value_at])
            if value is None or not math.isfinite(value):
                raise UserError(
                    f"{label}: line {rows.line_num}: {row[value_at][:40]!r} is not a finite number"
                )
            if name in found:
                raise UserError(f"{label}: the id {name[:40]!r} is there twice; ids are unique")
            found[name] = value
    except csv.Error as error:
        raise UserError(f"{label}: line {rows.line_num}: no CSV ({error})") from error
    if not found:
        raise UserError(f"{label}: holds no example")
    return found


def keep(out: Path, run_folder: Path, objective: Objective) -> str:
    """Move the outcomes that a run left in `out` into its folder; their SHA-256.

    Raises:
        UserError: there is no such file, or it cannot be used; it is left where it is.
    """
    try:
        content = disk.read_inside(out, place_in_out(objective), LARGEST)
    except FileNotFoundError:
        raise UserError(f"{objective.outcomes}: was not written") from None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UserError(f"{objective.outcomes}: cannot be read ({why})") from error
    parse(content, objective.outcomes)
    disk.write_inside(run_folder, KEPT, content)
    (out / place_in_out(objective)).unlink()
    return hashlib.sha256(content).hexdigest()


def read_outcomes(run_folder: Path, objective: Objective) -> dict[str, float]:
    """The outcomes that a run kept: the value of each example by its id.

    Args:
        run_folder: The run's folder (`.autosota/runs/<run>`).
        objective: Says whether there are any.

    Raises:
        UserError: there are none, or the file cannot be used.
    """
    return parse(_kept(run_folder, objective), str(run_folder / KEPT))


def read_checked_outcomes(
    run_folder: Path, objective: Objective, outcomes_hash: str
) -> dict[str, float]:
    """As `read_outcomes`, if the file is the one that the receipt vouches for.

    Args:
        run_folder: The run's folder.
        objective: Says whether there are any.
        outcomes_hash: `Receipt.outcomes_hash`, or `RunFinished.outcomes`.

    Raises:
        UserError: there are none, they changed, or the file cannot be used.
    """
    if not outcomes_hash:
        raise UserError(f"{run_folder.name}: the run kept no per-example outcomes")
    content = _kept(run_folder, objective)
    if hashlib.sha256(content).hexdigest() != outcomes_hash:
        raise UserError(f"{run_folder / KEPT}: is not what the run left; its receipt says so")
    return parse(content, str(run_folder / KEPT))


def _kept(run_folder: Path, objective: Objective) -> bytes:
    if not objective.outcomes:
        raise UserError(
            "objective.outcomes is not set: runs keep no per-example outcomes; name a CSV file "
            'such as "{run_dir}/outcomes.csv"'
        )
    try:
        return disk.read_inside(run_folder, KEPT, LARGEST)
    except FileNotFoundError:
        raise UserError(f"{run_folder / KEPT}: there is no such file") from None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UserError(f"{run_folder / KEPT}: cannot be read ({why})") from error
