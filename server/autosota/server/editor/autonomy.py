"""What may happen unasked in a workspace: `off`, `suggest` or `autonomous`, for all faces.

The objective's `autonomy.mode` is the default and the ceiling. The live state is a file of the
workspace's state folder, so that every window, the notebook and the command line see the same.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from autosota.agents.domain import Objective
from autosota.server.errors import UserError
from autosota.server.workspace.root import prepare_state, state_dir, storage_error

MODES = ("off", "suggest", "autonomous")
_FILE = "autonomy"


def mode(root: Path, objective: Objective | None) -> str:
    """What holds now: what was chosen last, never more than the objective allows."""
    ceiling = objective.autonomy if objective is not None else "suggest"
    try:
        chosen = (state_dir(root) / _FILE).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ceiling
    if chosen not in MODES:
        return ceiling
    return min(chosen, ceiling, key=MODES.index)


def set_mode(root: Path, objective: Objective | None, wanted: str) -> str:
    """Choose what holds from now on; gives it.

    Raises:
        UserError: there is no such mode, the objective allows less, no objective bounds what
            would be spent, or the state cannot be written.
    """
    if wanted not in MODES:
        raise UserError(f"autonomy '{wanted}': choose {', '.join(MODES[:-1])} or {MODES[-1]}")
    if wanted == "autonomous" and objective is None:
        raise UserError(
            f"{root}: autonomous needs an objective with a budget; autosota init proposes one"
        )
    ceiling = objective.autonomy if objective is not None else "suggest"
    if MODES.index(wanted) > MODES.index(ceiling):
        raise UserError(
            f'the objective allows at most "{ceiling}": set autonomy.mode = "{wanted}" in '
            "autosota.toml first"
        )
    folder = prepare_state(root)
    try:
        number, part = tempfile.mkstemp(dir=folder, prefix=f".{_FILE}-")
        with os.fdopen(number, "w", encoding="ascii") as file:
            file.write(wanted + "\n")
        os.replace(part, folder / _FILE)
    except OSError as error:
        raise storage_error(folder / _FILE, error) from None
    return wanted
