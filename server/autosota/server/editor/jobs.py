"""Campaigns started from an editor: each a process of its own that outlives the editor.

A job is `autosota run` or `resume` in a session of its own, with its words in a log of the
workspace. Starting one is quick; what became of it is asked for, or read in the ledger.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from autosota.server.workspace.root import prepare_state, storage_error

_MAIN = "import sys; from autosota.server.cli.main import main; sys.argv[0] = 'autosota'; main()"


@dataclass(slots=True)
class Job:
    """One campaign's process.

    Attributes:
        id: Of this job, unique in the workspace.
        root: The workspace.
        log: Where its words go.
    """

    id: str
    root: Path
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    def ended(self) -> int | None:
        """Its exit code; None while it runs."""
        return self.process.poll()

    def end(self) -> None:
        """Ask it to end, as Ctrl-C would: a campaign stops, one that begins does not begin."""
        self.process.terminate()

    def last_words(self) -> str:
        """The last line it wrote that is no event, such as why it could not begin."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        plain = [line for line in lines if line.strip() and not line.startswith("{")]
        return plain[-1].removeprefix("autosota: ") if plain else ""


def command(*arguments: str) -> list[str]:
    """The command line of the product with this interpreter, wherever its script lies."""
    return [sys.executable, "-c", _MAIN, *arguments]


def start(root: Path, *arguments: str) -> Job:
    """Start `autosota <arguments>` for a workspace, on its own.

    Raises:
        UserError: the workspace cannot be written, or no process can be started.
    """
    state = prepare_state(root)
    number = f"{time.time_ns():x}"[-10:]
    log = state / "jobs" / f"{number}.log"
    try:
        log.parent.mkdir(exist_ok=True)
        with open(log, "wb") as words:
            process = subprocess.Popen(
                command(*arguments),
                cwd=root,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
    except OSError as error:
        raise storage_error(log, error) from None
    return Job(number, root, log, process)
