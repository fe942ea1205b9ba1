"""The hardware and software a run used, as a receipt records it.

Asks the kernel, `nvidia-smi` when it is there, and the interpreter (without importing any
library). Knows nothing of runs.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from autosota.agents.domain import Machine
from autosota.server.sandbox.interpreter import Interpreter

LIBRARIES = frozenset(
    {"numpy", "scipy", "scikit-learn", "pandas", "torch", "torchvision", "jax", "jaxlib", "flax"}
    | {"tensorflow", "keras", "transformers", "datasets", "xgboost", "lightgbm"}
)


_CGROUP = Path("/sys/fs/cgroup/cpu.max")


def usable_cpus() -> int:
    """Processors that runs can use: allowed to this process, within its container's share."""
    allowed = len(os.sched_getaffinity(0))
    try:
        quota, period = _CGROUP.read_text().split()
        return max(1, min(allowed, round(int(quota) / int(period))))
    except (OSError, ValueError, ZeroDivisionError):  # no cgroup of ours, or no limit ("max")
        return allowed


def describe(interpreter: Interpreter, threads: Mapping[str, str] | None = None) -> Machine:
    """The machine this process runs on, with the versions an interpreter has.

    Args:
        interpreter: the one that runs use.
        threads: the thread variables that runs get (`world.threads`).
    """
    gpus, driver = _gpus()
    return Machine(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        gpus=gpus,
        driver=driver,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=interpreter.version,
        threads=dict(threads or {}),
        libraries={n: v for n, v in interpreter.packages.items() if n in LIBRARIES},
    )


@lru_cache(maxsize=1)
def _cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() in ("model name", "Model", "Hardware"):
                    return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


@lru_cache(maxsize=1)
def _gpus() -> tuple[tuple[str, ...], str]:
    """Names of NVIDIA GPUs with their memory, and the driver; empty when there are none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return (), ""
    try:
        done = subprocess.run(
            [program, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return (), ""
    rows = [[c.strip() for c in line.split(",")] for line in done.stdout.splitlines() if line]
    rows = [row for row in rows if len(row) == 3]
    return tuple(f"{name}, {memory}" for name, memory, _ in rows), rows[0][2] if rows else ""
