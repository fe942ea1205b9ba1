"""Kernels in containers beside a local kernel, in the same process and by turns.

Ready is from the call that starts a kernel to its first answer on the shell channel. Then: one
execution and back, ten megabytes of output, an interrupt, the end with clean-up. At last 200
kernels are started and ended, and what is left of them is counted. Needs a container engine and
ipykernel.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager

STARTS, EXECUTIONS, OUTPUTS, CYCLES = 12, 300, 9, 200
BASE = os.environ.get("AUTOSOTA_TEST_IMAGE", "local/python:test")
KINDS = ("local", "container", "pool")
MB = 10_000_000


class Kernel:
    """A running kernel and a client that is connected."""

    def __init__(self, name: str, folder: Path) -> None:
        self.manager = AsyncKernelManager(kernel_name=name)
        self.folder = folder

    async def start(self) -> float:
        """Seconds until the first answer."""
        began = time.perf_counter()
        await self.manager.start_kernel(cwd=str(self.folder))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.kernel_info()
        await self.client.shell_channel.get_msg(timeout=60)
        took = time.perf_counter() - began
        await self.client.wait_for_ready(timeout=60)
        return took

    async def execute(self, code: str) -> float:
        """Seconds until the reply and the state idle are here."""
        began = time.perf_counter()
        reply = await self.client.execute_interactive(code, output_hook=lambda _: None, timeout=60)
        assert reply["content"]["status"] == "ok"
        return time.perf_counter() - began

    async def interrupt(self) -> float:
        """Seconds from the request to the reply of the interrupted cell."""
        self.client.execute("import time\nprint('on', flush=True)\ntime.sleep(60)")
        while (await self.client.get_iopub_msg(timeout=60))["msg_type"] != "stream":
            pass
        began = time.perf_counter()
        await self.manager.interrupt_kernel()
        await self.client.get_shell_msg(timeout=60)
        return time.perf_counter() - began

    async def end(self) -> float:
        """Seconds until it is gone with all that belongs to it."""
        with contextlib.suppress(AttributeError):
            self.client.stop_channels()
        began = time.perf_counter()
        await self.manager.shutdown_kernel(now=True)
        return time.perf_counter() - began


@contextlib.asynccontextmanager
async def running(name: str, folder: Path) -> AsyncIterator[Kernel]:
    kernel = Kernel(name, folder)
    await kernel.start()
    try:
        yield kernel
    finally:
        await kernel.end()


def register(folder: Path) -> None:
    """The kernelspecs: a local kernel, one in a container, one from the pool."""
    local = {"argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]}
    local["argv"].append("--log-level=ERROR")  # it warns of TCP without encryption
    table = {"base": BASE, "workspace": str(folder / "work")}
    for name, extra in (("local", None), ("container", {}), ("pool", {"pool": 1})):
        told: dict[str, Any] = {**local, "display_name": name, "language": "python"}
        if extra is not None:
            from autosota.server.kernels.spec import kernel_json

            told = kernel_json(name, {**table, **extra}, folder)
        place = folder / "kernels" / name
        place.mkdir(parents=True)
        (place / "kernel.json").write_text(json.dumps(told))
    os.environ["JUPYTER_PATH"] = str(folder)


async def starts(work: Path) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Ready and end, by turns; before each turn of the pool one waits there."""
    from autosota.server.kernels.pool import POOL

    ready: dict[str, list[float]] = {kind: [] for kind in KINDS}
    ends: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for turn in range(STARTS + 1):
        for kind in KINDS:
            while kind == "pool" and turn and not POOL.waiting():
                await asyncio.sleep(0.1)
            kernel = Kernel(kind, work)
            took = await kernel.start()
            over = await kernel.end()
            if turn:  # the first of each kind imports, connects and fills the caches
                ready[kind].append(took)
                ends[kind].append(over)
        while turn and not POOL.waiting():
            await asyncio.sleep(0.1)
    POOL.close()
    return ready, ends


async def messages(work: Path) -> dict[str, dict[str, list[float]]]:
    """Executions, outputs and interrupts, by turns in two kernels."""
    out: dict[str, dict[str, list[float]]] = {}
    async with running("local", work) as local, running("container", work) as inside:
        pair = (("local", local), ("container", inside))
        for name, count, what in (
            ("execute", EXECUTIONS, lambda k: k.execute("1")),
            ("output", OUTPUTS, lambda k: k.execute(f"print('x' * {MB})")),
            (
                "lines",
                OUTPUTS,
                lambda k: k.execute(f"for _ in range({MB // 100}): print('x' * 99)"),
            ),
            ("interrupt", OUTPUTS, Kernel.interrupt),
        ):
            took: dict[str, list[float]] = {"local": [], "container": []}
            for turn in range(count + 2):
                for kind, kernel in pair if turn % 2 else pair[::-1]:
                    seconds = await what(kernel)
                    if turn > 1:
                        took[kind].append(seconds)
            out[name] = took
    return out


def left() -> dict[str, int]:
    """What kernels could leave behind in this process, on this machine and in the engine."""
    from autosota.server.containers.labels import OWNER, owner
    from autosota.server.kernels import shared

    label = {"label": f"{OWNER}={owner()}"}
    engine = shared.engine(remote=False)
    _, pid, start = owner().split(":")
    with open("/proc/net/unix", encoding="ascii") as file:
        sockets = sum("/autosota-" in line for line in file)
    return {
        "containers": len(engine.client.api.containers(all=True, filters=label)),
        "folders": len(list(Path(tempfile.gettempdir()).glob(f"autosota-*-{pid}-{start}-*"))),
        "threads": sum(not t.name.startswith("asyncio_") for t in threading.enumerate()),
        "sockets": sockets,
        "descriptors": len(os.listdir("/proc/self/fd")),
    }


async def cycles(work: Path) -> tuple[dict[str, int], dict[str, int], float]:
    """Kernels that start, answer and end, and what is there before and after."""
    for _ in range(3):
        async with running("container", work):
            pass
    before, began = left(), time.perf_counter()
    for _ in range(CYCLES):
        async with running("container", work):
            pass
    took = (time.perf_counter() - began) / CYCLES
    return before, left(), took


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory(prefix="k-", dir="/tmp") as name:
        folder = Path(name)
        work = folder / "work"
        work.mkdir(mode=0o777)
        work.chmod(0o777)
        register(folder)
        ready, ends = asyncio.run(starts(work))
        table("ready, ms", ready, 1e3)
        table("end, ms", ends, 1e3)
        extra = {kind: median(ready[kind]) - median(ready["local"]) for kind in KINDS[1:]}
        print(
            f"above a local kernel: {extra['container'] * 1e3:+.0f} ms (limit 300); from the pool "
            f"ready in {median(ready['pool']) * 1e3:.0f} ms (limit 100)"
        )
        told = asyncio.run(messages(work))
        for name, limit in (("execute", 1.1), ("output", 1.2), ("lines", 1.2), ("interrupt", 0)):
            table(f"{name}, ms", told[name], 1e3)
            ratio = median(told[name]["container"]) / median(told[name]["local"])
            print(f"{'':<10} {ratio:.2f} times local" + (f" (limit {limit})" if limit else ""))
        before, after, took = asyncio.run(cycles(work))
        print(f"{CYCLES} start/stop cycles, {took * 1e3:.0f} ms each; left over:")
        for what in before:
            print(f"  {what:<12} before {before[what]:>3}  after {after[what]:>3}")


def table(title: str, figures: dict[str, list[float]], factor: float) -> None:
    """A line for each kind: median and quartiles."""
    for kind, seconds in figures.items():
        low, middle, high = (q * factor for q in statistics.quantiles(seconds, n=4))
        print(f"{title:<16} {kind:<10} {middle:8.1f}  (quartiles {low:.1f} … {high:.1f})")


median: Callable[[list[float]], float] = statistics.median

if __name__ == "__main__":
    main()
