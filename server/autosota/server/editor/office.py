"""The editor's side of the process that does what takes long (`worker`).

One question at a time, from whichever thread asks; a process that died is started again for the
next question.
"""

from __future__ import annotations

import logging
import select
import subprocess
import sys
import threading
from typing import Any

from autosota.server.editor.questions import Question
from autosota.server.editor.worker import receive, send
from autosota.server.errors import UserError

logger = logging.getLogger(__name__)

LONGEST_SECONDS = 60.0
"""A look takes a second; what takes this long would keep all others waiting."""


class Office:
    """Asks the process behind the editor; starts it with the first question."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._number = 0

    @property
    def pid(self) -> int | None:
        """The process that answers, once it was started."""
        return self._process.pid if self._process is not None else None

    def ask(self, question: Question, seconds: float = LONGEST_SECONDS) -> Any:
        """The answer to a question.

        Raises:
            UserError: it cannot be answered, takes too long, or the process died over it.
        """
        with self._lock:
            process = self._running()
            assert process.stdin is not None and process.stdout is not None
            self._number += 1
            try:
                send(process.stdin, (self._number, question))
                if not select.select([process.stdout], [], [], seconds)[0]:
                    self.close()
                    name = type(question).__name__
                    raise UserError(f"{name}: given up after {seconds:.0f} s")
                number, kind, value = receive(process.stdout)
            except (OSError, EOFError, ValueError):
                self._process = None
                code = process.wait()
                logger.error("the process behind the editor ended with %s", code)
                raise UserError(
                    "the process that looks at the workspace ended over this (out of memory?); "
                    "it is started again for the next question"
                ) from None
        assert number == self._number
        if kind == "user":
            raise UserError(str(value))
        if kind:
            raise RuntimeError(f"{type(question).__name__}: {value}")
        return value

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "autosota.server.editor.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        return self._process
