"""Runs in containers beside runs behind bubblewrap and plain processes: what the walls cost.

Measured from asking for a launch to its first line of output, and to its end; and how fast output
comes out. Needs an engine and an image with Python; prints "not measured" without.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from autosota.server.containers import images
from autosota.server.containers.engine import Engine
from autosota.server.errors import UserError
from autosota.server.sandbox.bubblewrap import BubblewrapLauncher, probe
from autosota.server.sandbox.container import ContainerLauncher
from autosota.server.sandbox.launch import Launch, Limits
from autosota.server.sandbox.launcher import Launcher
from autosota.server.sandbox.process import ProcessLauncher

TIMES = 30
TARGET_MS = 600.0


def measure(launcher: Launcher, command: str, work: Path) -> tuple[float, float]:
    """Milliseconds to the first line, and to the end."""
    first: list[float] = []
    env = {"PATH": "/usr/bin:/bin", "AUTOSOTA_RUN_DIR": str(work)}
    logs = {"stdout": work.parent / "out", "stderr": work.parent / "err"}
    began = time.monotonic()
    launcher.launch(
        Launch(command, work, env, (work,), Limits(60.0)),
        logs,
        on_line=lambda *_: first.append(time.monotonic()),
    )
    end = time.monotonic()
    for log in logs.values():
        log.unlink(missing_ok=True)
    return (first[0] - began) * 1e3, (end - began) * 1e3


def main(base: str = "local/python:test") -> None:
    """Print a line for each kind of wall."""
    kinds: dict[str, Launcher] = {"plain process": ProcessLauncher()}
    if probe().works:
        kinds["bubblewrap"] = BubblewrapLauncher()
    engine = None
    try:
        engine = Engine.connect()
        image = images.ensure(engine, images.kernel_recipe(base))
        kinds["container"] = ContainerLauncher(engine, image.id, images.PYTHON)
    except UserError as error:
        print(f"container: not measured ({error})")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work"
        work.mkdir()
        for name, launcher in kinds.items():
            measure(launcher, "echo here", work)
            rounds = [measure(launcher, "echo here", work) for _ in range(TIMES)]
            first = sorted(f for f, _ in rounds)
            ends = statistics.median(e for _, e in rounds)
            loud = statistics.median(
                measure(launcher, "yes 0123456789 | head -c 10000000", work)[1] for _ in range(5)
            )
            print(
                f"{name}: first line after {statistics.median(first):.0f} ms (p95 "
                f"{first[int(0.95 * TIMES)]:.0f}, target {TARGET_MS:.0f}), ended after "
                f"{ends:.0f} ms, 10 MB of output {loud:.0f} ms"
            )
    if engine is not None:
        engine.close()


if __name__ == "__main__":
    main(*sys.argv[1:2])
