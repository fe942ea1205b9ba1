"""The plain backend: the command runs as an ordinary process of the user, behind no wall.

Limits and whole-tree kills hold for programs that do not fight them; nothing is protected,
so the grade of its receipts is `declared`. Mounts and hidden paths mean nothing here: the
runner copies data into a vault instead.
"""

from __future__ import annotations

import contextlib

from autosota.server.sandbox.forking import ForkingLauncher, Wrapped
from autosota.server.sandbox.launch import Launch

MARK = "AUTOSOTA_RUN_DIR"
"""Every process of a run has this variable, unless it took it away."""


class ProcessLauncher(ForkingLauncher):
    """Starts commands as plain processes below a subreaper."""

    name = "process"

    def wrap(self, launch: Launch, guard: list[str]) -> Wrapped:
        """The guard itself, in the run's working folder."""
        return Wrapped(guard, launch.cwd)

    def sweep(self, launch: Launch) -> None:
        """Kill processes that carry this run's mark: their guard was killed."""
        import psutil

        mark = launch.env.get(MARK)
        if not mark:
            return
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(MARK) == mark:
                    process.kill()
