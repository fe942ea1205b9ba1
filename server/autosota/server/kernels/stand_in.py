"""A process that stands for a kernel, for programs that start kernels themselves.

Some programs know no provisioners: they write a connection file with five ports, start a
command, and signal that process. This is the command. It listens on those ports and passes bytes
on to the kernel's sockets in its private folder, so the kernel needs no network here, either.
The kernel ends with it. What the bytes mean is not known here; they are signed by a key that
this process only hands on.

Usage: `python -m autosota.server.kernels.stand_in -f CONNECTION_FILE --spec FOLDER`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autosota.server.errors import UserError
from autosota.server.kernels import spec
from autosota.server.kernels.launch import Launch
from autosota.server.kernels.options import read_options
from autosota.server.kernels.watched import WatchedKernel
from autosota.server.kernels.wire import PORTS

_CHUNK = 1 << 18
_AGAIN_SECONDS = 0.05
_LISTEN_SECONDS = 60.0
_ALIVE_SECONDS = 0.1


def main(arguments: list[str]) -> int:
    """Stand for one kernel, to its end; gives its exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        file, folder = _arguments(arguments)
        told = json.loads(file.read_bytes())
        found = spec.read(folder)
        own = json.loads((folder / "kernel.json").read_bytes())
        launch = Launch(
            read_options(found.table, str(folder / "kernel.json")),
            cwd=Path.cwd(),
            key=str(told["key"]).encode(),
            scheme=str(told.get("signature_scheme", "hmac-sha256")),
            encrypt="curve_secretkey" in told,
            python=str(own.get("language", "")).lower() == "python",
        )
        if "curve_secretkey" in told:
            launch.curve = (told["curve_publickey"].encode(), told["curve_secretkey"].encode())
        return asyncio.run(_stand(launch, told, {k: str(v) for k, v in own["env"].items()}))
    except (OSError, ValueError, KeyError) as error:
        print(f"autosota: no connection file or no kernel.json: {error}", file=sys.stderr)
        return 2
    except UserError as error:
        print(f"autosota: {error}", file=sys.stderr)
        return 2


def _arguments(arguments: list[str]) -> tuple[Path, Path]:
    if len(arguments) != 4 or arguments[0] != "-f" or arguments[2] != "--spec":
        raise UserError(f"usage: python -m {spec.STAND_IN} -f CONNECTION_FILE --spec FOLDER")
    return Path(arguments[1]), Path(arguments[3])


async def _stand(launch: Launch, told: dict[str, Any], env: dict[str, str]) -> int:
    """Listen at once, so that nobody else gets the ports; then start, pass on and wait."""
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    kernel: WatchedKernel | None = None
    parent = os.getppid()

    def target(port: int) -> str:
        return f"{kernel.wire.ip}-{kernel.wire.ports[port]}" if kernel is not None else ""

    def passed(number: int) -> None:
        if kernel is not None:
            loop.run_in_executor(None, kernel.signal, number)

    loop.add_signal_handler(signal.SIGINT, passed, signal.SIGINT)
    loop.add_signal_handler(signal.SIGTERM, over.set)
    loop.add_signal_handler(signal.SIGHUP, over.set)
    async with contextlib.AsyncExitStack() as owned:
        for number, name in enumerate(PORTS):
            server = await _listen(told, int(told[name]), number, target)
            await owned.enter_async_context(server)
        try:
            kernel = await asyncio.to_thread(launch.start, env, (), None)
            while kernel.ended is None and not over.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), _ALIVE_SECONDS)
                if os.getppid() != parent:
                    over.set()  # whoever started us is gone
            ended = kernel.ended
        finally:
            if kernel is not None:
                await asyncio.to_thread(kernel.close)
            await asyncio.to_thread(launch.close)
    if ended is not None and not ended.expected:
        print(f"autosota: {ended.line}", file=sys.stderr)
    return 0 if ended is None else (ended.code if ended.code >= 0 else 128 - ended.code)


async def _listen(
    told: dict[str, Any], port: int, number: int, target: Callable[[int], str]
) -> asyncio.AbstractServer:
    """Take connections to one of the five and pass their bytes on."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await _connect(lambda: target(number))
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))

    if told.get("transport") == "ipc":
        return await asyncio.start_unix_server(accept, f"{told['ip']}-{port}", limit=_CHUNK)
    return await asyncio.start_server(accept, told["ip"], port, limit=_CHUNK)


async def _connect(
    target: Callable[[], str],
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the kernel's socket, as soon as it listens."""
    deadline = asyncio.get_running_loop().time() + _LISTEN_SECONDS
    while True:
        try:
            return await asyncio.open_unix_connection(target(), limit=_CHUNK)
        except OSError:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(_AGAIN_SECONDS)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Bytes one way until that side ends; then the other side is closed, too."""
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
