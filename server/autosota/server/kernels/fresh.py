"""A kernel in a container of its own: how it is started, and what the container's end means.

The image exists and the private folder is prepared; which they are, and what a kernel manager
expects, is not known here. Every call blocks, within limits.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autosota.server.containers.engine import Engine
from autosota.server.containers.labels import Role, alive, owner
from autosota.server.kernels import shared
from autosota.server.kernels.container import Plan, create, remove
from autosota.server.kernels.ended import (
    Ended,
    by_exit,
    engine_gone,
    removed,
    stopped,
    with_last,
)
from autosota.server.kernels.watched import CALL_SECONDS, OnEnd, WatchedKernel
from autosota.server.kernels.wire import TCP_INSIDE, Meeting, Wire

if TYPE_CHECKING:
    import docker

_AGAIN_SECONDS = 0.2
_LOST_SECONDS = 5.0
"""How long an engine may be away before a kernel of which nothing is left is given up."""

_TOLD = "AUTOSOTA_CONNECTION"


class ContainerKernel(WatchedKernel):
    """A running kernel, alone in its container."""

    def __init__(
        self, engine: Engine, container: str, wire: Wire, memory_bytes: int, on_end: OnEnd | None
    ) -> None:
        super().__init__(engine, container, wire, on_end)
        self._memory_bytes = memory_bytes
        self._client = engine.another(CALL_SECONDS)
        self._lock = threading.Lock()
        self._process = ""

    @property
    def ended(self) -> Ended | None:
        """How it ended; None while it runs. Costs nothing."""
        if self._ended is None and self._asked and self._process and not alive(self._process):
            return stopped()  # the engine may never tell us
        return self._ended

    def locate(self, told: Mapping[str, Any]) -> None:
        """Note which process of this machine it is, if it is one."""
        pid = int(told["State"].get("Pid") or 0)
        if self._engine.endpoint.local and pid and _is_here(pid, self.container):
            with contextlib.suppress(ProcessLookupError):
                self._process = owner(pid)

    @property
    def is_here(self) -> bool:
        """Whether its process is one of this machine, as far as was seen."""
        return bool(self._process)

    def _send(self, number: int) -> None:
        from docker.errors import APIError

        with self._lock, self._engine.speaking(CALL_SECONDS), contextlib.suppress(APIError):
            # refused when it is over, or somebody removed it: the watching thread tells
            self._client.api.kill(self.container, signal.Signals(number).name)

    def _kill_here(self) -> None:
        if alive(self._process):
            with contextlib.suppress(OSError):
                os.kill(int(self._process.split(":")[1]), signal.SIGKILL)

    def _release(self) -> None:
        self._client.close()

    def _wait(self) -> Ended:
        """Until the container ends, through engines that come and go."""
        import requests
        from docker.errors import APIError, NotFound

        lost = 0.0
        with contextlib.closing(self._engine.another(CALL_SECONDS)) as client:
            while True:
                try:
                    client.api.wait(self.container, timeout=None)
                    return self._conclude(client)
                except NotFound:
                    return removed()
                except (requests.RequestException, OSError, APIError) as error:
                    lost = lost or time.monotonic()
                    if alive(self._process):
                        lost = time.monotonic()
                    elif time.monotonic() - lost > _LOST_SECONDS:
                        shared.forget(self._engine)
                        return engine_gone(f"container engine at {self._engine.endpoint} ({error})")
                    time.sleep(_AGAIN_SECONDS)

    def _conclude(self, client: docker.DockerClient) -> Ended:
        told = client.api.inspect_container(self.container)
        state = told["State"]
        if state.get("Status") in ("removing", "dead"):
            return removed()
        ended = by_exit(
            int(state.get("ExitCode") or 0),
            out_of_memory=bool(state.get("OOMKilled")),
            memory_bytes=self._memory_bytes,
        )
        if ended.expected or ended.code < 0:
            return ended
        said = client.api.logs(self.container, stdout=True, stderr=True, tail=20)
        return with_last(ended, said if isinstance(said, bytes) else b"")

    def _remove(self) -> None:
        with self._lock:
            remove(self._client, self._engine, self.container)


def start(
    plan: Plan,
    wire: Wire,
    meeting: Meeting | None,
    *,
    role: Role = Role.KERNEL,
    on_end: OnEnd | None = None,
) -> ContainerKernel:
    """Start a kernel in a container of its own.

    Args:
        plan: What the container is made with.
        wire: How the kernel will be reached; published ports are filled in.
        meeting: Its private folder, open; None for published ports.
        role: What the container says it is for.
        on_end: Called once, in another thread, before the container is removed.

    Returns:
        The kernel; it may not listen yet.

    Raises:
        EngineUnavailable: the engine does not answer.
        ImageMissing: there is no such image.
        UserError: it refuses; one line.
    """
    command, env = _connected(wire, plan.command)
    ports = wire if wire.transport == "tcp" else None
    container, told = create(plan, command, meeting, role=role, env=env, ports=ports)
    try:
        reached = wire if ports is None else _published(wire, told)
        limit = int(told["HostConfig"].get("Memory") or 0)
        kernel = ContainerKernel(plan.engine, container, reached, limit, on_end)
        kernel.locate(told)
        kernel.watch()
    except BaseException:
        with contextlib.closing(plan.engine.another(CALL_SECONDS)) as client:
            remove(client, plan.engine, container)
        raise
    return kernel


def _connected(wire: Wire, command: tuple[str, ...]) -> tuple[list[str], dict[str, str]]:
    """The command with its connection file, and what the environment must hold for that.

    A folder is not shared with an engine that is elsewhere, so there the file is written inside.
    """
    words = [part.replace("{connection_file}", wire.file) for part in command]
    if wire.transport == "ipc":
        return words, {}
    write = f'umask 077; printf %s "${_TOLD}" > {wire.file}; unset {_TOLD}; exec "$@"'
    return ["/bin/sh", "-c", write, "kernel", *words], {_TOLD: wire.inside}


def _published(wire: Wire, told: Mapping[str, Any]) -> Wire:
    given = told["NetworkSettings"]["Ports"]
    ports = tuple(int(given[f"{inside}/tcp"][0]["HostPort"]) for inside in TCP_INSIDE)
    return replace(wire, ports=ports)


def _is_here(pid: int, container: str) -> bool:
    """Whether a process number that the engine tells is that container's on this machine."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
            return container in file.read()
    except OSError:
        return False
