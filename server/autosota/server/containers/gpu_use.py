"""How much GPUs are used while a run lasts: memory and utilisation, for its receipt.

Read from `nvidia-smi`, which is started once and prints a line per GPU twice a second, or from
the kernel's files for AMD. What is measured is the device: other programs on it count, too, so
the memory that was in use before is kept beside the peak. Failing to measure fails nothing.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autosota.agents.domain import GpuUse
from autosota.server.containers.gpus import Gpu

SAMPLE_SECONDS = 0.5
_END_SECONDS = 2.0
_DRM = Path("/sys/class/drm")
"""Where the kernel tells of AMD's GPUs."""


@dataclass(slots=True)
class _Series:
    """What was seen of one GPU so far, in constant space."""

    samples: int = 0
    memory_before: int | None = None
    memory_peak: int | None = None
    busy_looks: int = 0
    busy_sum: float = 0.0
    busy_peak: float = 0.0

    def add(self, memory: int | None, busy: float | None) -> None:
        self.samples += 1
        if memory is not None:
            self.memory_before = memory if self.memory_before is None else self.memory_before
            self.memory_peak = max(memory, self.memory_peak or 0)
        if busy is not None:
            self.busy_looks += 1
            self.busy_sum += busy
            self.busy_peak = max(busy, self.busy_peak)


class Sampler:
    """Looks at GPUs from `start` to `stop`; a context manager.

    Args:
        gpus: Which; none is fine, and nothing is started then.
        seconds: The time between two looks.
    """

    def __init__(self, gpus: Sequence[Gpu], seconds: float = SAMPLE_SECONDS) -> None:
        self._gpus = tuple(gpus)
        self._seconds = seconds
        self._series = {g.uuid: _Series() for g in self._gpus}
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self.problem = ""
        """Why there are no samples, or no more; empty when all is well."""

    def start(self) -> None:
        """Begin. Does not wait for the first sample."""
        if not self._gpus or self._thread is not None:
            return
        if self._gpus[0].vendor == "nvidia":
            path = shutil.which("nvidia-smi")
            if path is None:
                self.problem = "nvidia-smi is not on the PATH"
                return
            try:
                self._process = subprocess.Popen(
                    [
                        path,
                        f"--id={','.join(g.uuid for g in self._gpus)}",
                        "--query-gpu=uuid,memory.used,utilization.gpu",
                        "--format=csv,noheader,nounits",
                        f"--loop-ms={max(1, round(self._seconds * 1000))}",
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    errors="replace",
                    start_new_session=True,
                )
            except OSError as error:
                self.problem = f"{path}: {(error.strerror or str(error)).lower()}"
                return
        target = self._read_nvidia if self._process is not None else self._read_amd
        self._thread = threading.Thread(target=target, name="gpu-sampler", daemon=True)
        self._thread.start()

    def stop(self) -> tuple[GpuUse, ...]:
        """End, and tell what was seen of each GPU. May be called twice."""
        self._ended.set()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._thread is not None:
            self._thread.join(_END_SECONDS)
        return tuple(self._use(g) for g in self._gpus)

    def __enter__(self) -> Sampler:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _read_nvidia(self) -> None:
        process = self._process
        if process is None or process.stdout is None:
            return
        last = ""
        with process.stdout as lines:
            for line in lines:
                row = [cell.strip() for cell in line.split(",")]
                if len(row) == 3 and row[0] in self._series:
                    # what a GPU does not tell is "[N/A]" or "[Not Supported]"
                    memory = int(row[1]) * 2**20 if row[1].isdigit() else None
                    busy = int(row[2]) / 100 if row[2].isdigit() else None
                    self._series[row[0]].add(memory, busy)
                else:
                    last = line.strip() or last
        if not self._ended.is_set():
            self.problem = f"nvidia-smi ended by itself{f': {last[:200]}' if last else ''}"

    def _read_amd(self) -> None:
        while True:
            for gpu in self._gpus:
                device = _DRM / Path(gpu.files[0]).name / "device"
                memory = _number(device / "mem_info_vram_used")
                busy = _number(device / "gpu_busy_percent")
                if memory is None and busy is None:
                    self.problem = f"{device} tells nothing"
                    return
                share = None if busy is None else busy / 100
                self._series[gpu.uuid].add(memory, share)
            if self._ended.wait(self._seconds):
                return

    def _use(self, gpu: Gpu) -> GpuUse:
        seen = self._series[gpu.uuid]
        looks = seen.busy_looks
        return GpuUse(
            gpu.uuid,
            gpu.name,
            gpu.driver,
            seen.samples,
            seen.memory_before,
            seen.memory_peak,
            seen.busy_sum / looks if looks else None,
            seen.busy_peak if looks else None,
        )


def _number(path: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        return int(path.read_text(encoding="ascii").strip())
    return None
