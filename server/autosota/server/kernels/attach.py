"""A kernel in a container that runs already: warm, with others, and ended without them.

A container of the campaign stays open (`Warm`), and kernels come and go in it: files they cached
in its `/tmp` stay, and nothing has to be started but a process. A keeper inside (`keeper.py`)
tracks the kernel's processes; we hold its standard input, so they end when we do, however that
happens. Only containers of ours that have a private folder mounted can be attached to.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from autosota.server.containers.engine import Engine, EngineUnavailable
from autosota.server.containers.labels import ROLE, USER, WORKSPACE, Role
from autosota.server.errors import UserError
from autosota.server.kernels import keeper
from autosota.server.kernels.container import Plan, create, remove
from autosota.server.kernels.ended import Ended, Why, by_exit, engine_gone, removed, with_last
from autosota.server.kernels.watched import CALL_SECONDS, OnEnd, WatchedKernel
from autosota.server.kernels.wire import INSIDE, Meeting, Wire

OF_WORKSPACE = "workspace"
_STDOUT = 1
_KEPT = 4096
_LOOKS, _LOOK_SECONDS = 5, 0.1


@dataclass(frozen=True, slots=True)
class Target:
    """A running container that kernels can start in.

    Attributes:
        container: Its identifier.
        name: For people.
        shared: The private folder, out here.
        memory_bytes: Its limit; 0 for none.
        places: What is mounted, by its name inside.
    """

    container: str
    name: str
    shared: Path
    memory_bytes: int
    places: tuple[str, ...]


class Warm:
    """A container that stays open for kernels, until it is closed or its owner dies.

    Args:
        plan: What it is made with.
        name: Its name, by which kernelspecs find it.

    Raises:
        UserError: the engine refuses; one line.
    """

    def __init__(self, plan: Plan, name: str | None = None) -> None:
        self._engine = plan.engine
        self._meeting = Meeting()
        try:
            self._meeting.open(plan.who)
            idle = ["sleep", "infinity"]
            self.container, _ = create(plan, idle, self._meeting, role=Role.ATTACHED, name=name)
        except BaseException:
            self._meeting.close()
            raise

    def close(self) -> None:
        """End all that runs in it and remove it; twice does no harm."""
        with contextlib.closing(self._engine.another(CALL_SECONDS)) as client:
            remove(client, self._engine, self.container)
        self._meeting.close()

    def __enter__(self) -> Warm:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def find(engine: Engine, name: str, workspace: Path | None) -> Target | None:
    """The container that a kernelspec names.

    Args:
        engine: Where.
        name: Its name or identifier, or `workspace` for the one that is open for a workspace.
        workspace: Which.

    Returns:
        None when none is open for the workspace.

    Raises:
        UserError: there is none of that name, or it is none of ours.
    """
    from docker.errors import APIError, NotFound

    with contextlib.closing(engine.another(CALL_SECONDS)) as client, engine.speaking(CALL_SECONDS):
        if name == OF_WORKSPACE:
            wanted = [f"{ROLE}={Role.ATTACHED}", f"{USER}={os.getuid()}"]
            wanted.append(f"{WORKSPACE}={workspace}")
            listed = client.api.containers(filters={"label": wanted, "status": "running"})
            if not listed:
                return None
            name = str(max(listed, key=lambda one: int(one["Created"]))["Id"])
        try:
            told: dict[str, Any] = client.api.inspect_container(name)
        except (NotFound, APIError) as error:
            raise UserError(
                f"attach: there is no container {name!r}; `autosota kernel list` shows those that "
                "run"
            ) from error
    return _target(told)


def _target(told: Mapping[str, Any]) -> Target:
    name = str(told["Name"]).lstrip("/")
    labels = told["Config"].get("Labels") or {}
    shared = next((m["Source"] for m in told["Mounts"] if m["Destination"] == INSIDE), "")
    if not shared or labels.get(USER) != str(os.getuid()):
        raise UserError(f"attach: {name} was not opened by you for kernels")
    if not told["State"].get("Running"):
        raise UserError(f"attach: {name} does not run any more")
    places = tuple(str(m["Destination"]) for m in told["Mounts"])
    memory = int(told["HostConfig"].get("Memory") or 0)
    return Target(str(told["Id"]), name, Path(shared), memory, places)


class AttachedKernel(WatchedKernel):
    """A running kernel beside others in a container."""

    def __init__(self, engine: Engine, target: Target, wire: Wire, on_end: OnEnd | None) -> None:
        super().__init__(engine, target.container, wire, on_end)
        self._target = target
        self._client = engine.another(CALL_SECONDS)
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def begin(self, command: tuple[str, ...], env: Mapping[str, str], cwd: str) -> None:
        """Start the keeper, and the kernel by it.

        Raises:
            EngineUnavailable: the engine does not answer.
            UserError: it refuses.
        """
        from docker.errors import APIError

        words = [part.replace("{connection_file}", self.wire.file) for part in command]
        marks = {keeper.TOLD: self.wire.inside, keeper.MARK: self._mark}
        try:
            with self._engine.speaking(CALL_SECONDS):
                made = self._client.api.exec_create(
                    self.container,
                    [*_keeper(), self.wire.folder, *words],
                    stdin=True,
                    environment={**env, **marks},
                    workdir=cwd,
                )
                told: Any = self._client.api.exec_start(made["Id"], socket=True)
        except APIError as error:
            why = " ".join(str(error.explanation or error).split())
            raise UserError(f"attach: {self._target.name} starts no kernel: {why}") from error
        self._socket = told._sock
        self._socket.settimeout(None)
        self.watch()

    @property
    def _mark(self) -> str:
        return Path(self.wire.folder).name

    def _send(self, number: int) -> None:
        with self._lock:
            if self._socket is None:
                return
            try:
                self._socket.sendall(b"%d\n" % number)
            except OSError as error:
                raise EngineUnavailable(
                    "the connection to the kernel's keeper is gone", "restart the kernel"
                ) from error

    def _wait(self) -> Ended:
        assert self._socket is not None
        said, report = b"", b""
        with contextlib.suppress(OSError):
            for stream, data in _frames(self._socket):
                if stream == _STDOUT:
                    report = (report + data)[-_KEPT:]
                else:
                    said = (said + data)[-_KEPT:]
        words = report.split()
        if len(words) == 3 and words[0] == b"ended":
            code, killed = int(words[1]), int(words[2])
            limit = self._target.memory_bytes
            ended = by_exit(code, out_of_memory=killed > 0, memory_bytes=limit)
            return ended if ended.expected or ended.code < 0 else with_last(ended, said)
        return self._lost()

    def _lost(self) -> Ended:
        """The keeper is gone without a word: somebody killed it, the container or the engine."""
        from docker.errors import APIError, NotFound

        try:
            with self._engine.speaking(CALL_SECONDS):
                for _ in range(_LOOKS):  # an engine notices the end of a container a bit later
                    told = self._client.api.inspect_container(self.container)
                    if not told["State"].get("Running"):
                        return removed()
                    time.sleep(_LOOK_SECONDS)
                sweep = [*_keeper(), "sweep", self._mark]
                made = self._client.api.exec_create(self.container, sweep)
                self._client.api.exec_start(made["Id"])
        except NotFound:
            return removed()
        except (EngineUnavailable, APIError) as error:
            return engine_gone(f"container engine ({error})")
        line = f"the kernel was killed inside {self._target.name}, with its keeper"
        return Ended(Why.SIGNALLED, -signal.SIGKILL, line)

    def _remove(self) -> None:
        # others in the container may write here: nothing but a tree without links is followed
        shutil.rmtree(Path(self.wire.ip).parent, ignore_errors=True)
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def _release(self) -> None:
        self.close_connection()

    def close_connection(self) -> None:
        """Close the connection to the engine."""
        self._client.close()


def start(plan: Plan, target: Target, wire: Wire, on_end: OnEnd | None = None) -> AttachedKernel:
    """Start a kernel in a running container.

    Args:
        plan: Its command, variables and folder; what it sees is the container's.
        target: The container.
        wire: How it will be reached (`wire.beside`).
        on_end: Called once, in another thread.

    Raises:
        EngineUnavailable: the engine does not answer.
        UserError: the container does not see the folder, or the engine refuses.
    """
    cwd = Path(plan.view.cwd)
    sees = plan.view.workspace is None or any(cwd.is_relative_to(p) for p in target.places)
    if not sees:
        raise UserError(f"attach: {target.name} does not see {cwd}; it was opened for another one")
    kernel = AttachedKernel(plan.engine, target, wire, on_end)
    try:
        kernel.begin(plan.command, plan.env, str(cwd))
    except BaseException:
        kernel.close_connection()
        raise
    return kernel


@cache
def _keeper() -> tuple[str, ...]:
    source = Path(keeper.__file__).read_text(encoding="utf-8")
    return ("python3", "-I", "-S", "-c", source)


def _frames(stream: socket.socket) -> Iterator[tuple[int, bytes]]:
    """What an exec says: the stream's number and bytes, until its end."""
    while header := _exactly(stream, 8):
        number, length = struct.unpack(">BxxxL", header)
        yield number, _exactly(stream, length)


def _exactly(stream: socket.socket, count: int) -> bytes:
    """So many bytes; none at the end."""
    parts = []
    while count:
        part = stream.recv(min(count, 1 << 16))
        if not part:
            return b""
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
