"""A kernel in a container of its own: how it is started, what its end means, how it is removed.

The image exists and the private folder is prepared; which they are, and what a kernel manager
expects, is not known here. Every call blocks, within limits.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autosota.server.containers.engine import Engine, EngineUnavailable
from autosota.server.containers.gpus import GpuChoice, refusal
from autosota.server.containers.labels import Role, alive, labels, owner
from autosota.server.containers.walls import User, walls
from autosota.server.errors import UserError
from autosota.server.kernels import shared
from autosota.server.kernels.ended import (
    Ended,
    by_exit,
    engine_gone,
    removed,
    stopped,
    with_last,
)
from autosota.server.kernels.folder import ELSEWHERE, Seen
from autosota.server.kernels.network import NO_NAMES, quiet
from autosota.server.kernels.options import Options
from autosota.server.kernels.watched import CALL_SECONDS, OnEnd, WatchedKernel
from autosota.server.kernels.wire import INSIDE, TCP_INSIDE, Meeting, Wire

if TYPE_CHECKING:
    import docker

COMMAND = ("python3", "-m", "ipykernel_launcher", "-f", "{connection_file}")
START_SECONDS = 60.0
_AGAIN_SECONDS = 0.2
_LOST_SECONDS = 5.0
"""How long an engine may be away before a kernel of which nothing is left is given up."""

_TOLD = "AUTOSOTA_CONNECTION"


class ImageMissing(UserError):
    """The engine does not have the image."""


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
    engine: Engine,
    options: Options,
    view: Seen,
    wire: Wire,
    meeting: Meeting | None,
    *,
    image: str,
    who: User,
    env: Mapping[str, str],
    command: tuple[str, ...] = (),
    role: Role = Role.KERNEL,
    gpus: GpuChoice | None = None,
    on_end: OnEnd | None = None,
) -> ContainerKernel:
    """Start a kernel in a container of its own.

    Args:
        engine: Where.
        options: Of the kernelspec.
        view: What it sees of this machine.
        wire: How it will be reached; published ports are filled in.
        meeting: Its private folder, prepared; None for published ports.
        image: The image, which exists.
        who: The user inside.
        env: Its environment, all of it.
        command: What is started; empty for ipykernel.
        role: What the container says it is for.
        gpus: Those it gets; None for none.
        on_end: Called once, in another thread, before the container is removed.

    Returns:
        The kernel; it may not listen yet.

    Raises:
        EngineUnavailable: the engine does not answer.
        ImageMissing: there is no such image.
        UserError: it refuses; one line.
    """
    inside, more = _connected(wire, command or COMMAND)
    container, told = create(
        engine,
        options,
        view,
        meeting,
        image=image,
        who=who,
        env={**env, **more},
        command=inside,
        role=role,
        gpus=gpus or GpuChoice(),
        ports=wire if wire.transport == "tcp" else None,
    )
    try:
        reached = wire if wire.transport == "ipc" else _published(wire, told)
        limit = int(told["HostConfig"].get("Memory") or 0)
        kernel = ContainerKernel(engine, container, reached, limit, on_end)
        kernel.locate(told)
        kernel.watch()
    except BaseException:
        with contextlib.closing(engine.another(CALL_SECONDS)) as client:
            remove(client, engine, container)
        raise
    return kernel


def create(
    engine: Engine,
    options: Options,
    view: Seen,
    meeting: Meeting | None,
    *,
    image: str,
    who: User,
    env: Mapping[str, str],
    command: list[str],
    role: Role,
    gpus: GpuChoice,
    ports: Wire | None = None,
    name: str | None = None,
) -> tuple[str, dict[str, Any]]:
    """Make and start a container behind our walls; `start` says what the arguments are.

    Returns:
        Its identifier, and what the engine knows of it.
    """
    arguments = {**_arguments(engine, options, view, who), **gpus.arguments}
    if meeting is not None:
        arguments["mounts"].append(_bind(INSIDE, meeting.shared))
    container = ""
    with contextlib.closing(engine.another(START_SECONDS)) as client:
        try:
            with engine.speaking(START_SECONDS), _refusals(image, gpus):
                if ports is not None:
                    arguments |= _publishing(client, options, ports)
                made = client.containers.create(
                    image,
                    command,
                    name=name,
                    environment={**_environment(), **env, **gpus.env},
                    labels=labels(
                        role,
                        scratch=meeting.folder if meeting is not None else None,
                        workspace=view.workspace,
                    ),
                    **arguments,
                )
                container = str(made.id)
                client.api.start(container)
                return container, client.api.inspect_container(container)
        except BaseException:
            if container:
                remove(client, engine, container)
            raise


def remove(client: docker.DockerClient, engine: Engine, container: str) -> None:
    """Remove a container; one that cannot be removed now is remembered."""
    from docker.errors import APIError, NotFound

    try:
        with engine.speaking(CALL_SECONDS):
            client.api.remove_container(container, force=True, v=True)
    except NotFound:
        pass
    except (APIError, EngineUnavailable) as error:
        if "already in progress" not in str(error):
            shared.remember(container)


def _bind(target: str, source: Path, *, writable: bool = True) -> Any:
    from docker.types import Mount

    return Mount(target, str(source), "bind", read_only=not writable)


def _connected(wire: Wire, command: tuple[str, ...]) -> tuple[list[str], dict[str, str]]:
    """The command with its connection file, and what the environment must hold for that.

    A folder is not shared with an engine that is elsewhere, so there the file is written inside.
    """
    words = [part.replace("{connection_file}", wire.file) for part in command]
    if wire.transport == "ipc":
        return words, {}
    write = f'umask 077; printf %s "${_TOLD}" > {wire.file}; unset {_TOLD}; exec "$@"'
    return ["/bin/sh", "-c", write, "kernel", *words], {_TOLD: wire.inside}


def _arguments(engine: Engine, options: Options, view: Seen, who: User) -> dict[str, Any]:
    from docker.types import LogConfig

    facts = engine.facts
    memory = options.memory_bytes or facts.memory_bytes * 3 // 4
    out = walls(
        who,
        memory_bytes=memory if facts.memory_limit else 0,
        cpus=options.cpus,
        processes=options.processes,
        shared_bytes=options.shared_bytes,
        network=options.network,
    )
    mounts = [_bind(str(b.target), b.source, writable=b.writable) for b in view.binds]
    tmp = "mode=1777" + (",exec" if options.exec_tmp else "")
    tmpfs = {"/tmp": tmp, **{str(hidden): "ro,size=4k,mode=0555" for hidden in view.hidden}}
    if facts.selinux:
        out["security_opt"] = [*out["security_opt"], "label=disable"]
    if facts.remapped:
        out["userns_mode"] = "host"  # files keep their owners; the user inside is none that counts
    return out | {
        "mounts": mounts,
        "tmpfs": tmpfs,
        "working_dir": view.cwd,
        "entrypoint": [],
        "init": True,
        "log_config": LogConfig(type="json-file", config={"max-size": "1m", "max-file": "1"}),
        "use_config_proxy": False,
    }


def _publishing(client: docker.DockerClient, options: Options, wire: Wire) -> dict[str, Any]:
    """Published ports, and a network that leads to the client only, unless it may have one."""
    at = wire.ip if wire.ip == "127.0.0.1" else "0.0.0.0"
    ports = zip(TCP_INSIDE, wire.ports, strict=True)
    out: dict[str, Any] = {"ports": {f"{i}/tcp": (at, o or None) for i, o in ports}}
    if not options.network:
        out |= {"network_mode": None, "network": quiet(client), "dns": [*NO_NAMES]}
    return out


def _environment() -> dict[str, str]:
    """What programs need to find a writable place: the root is read-only."""
    return {"HOME": ELSEWHERE, "IPYTHONDIR": f"{ELSEWHERE}/.ipython"}


@contextlib.contextmanager
def _refusals(image: str, gpus: GpuChoice) -> Iterator[None]:
    """The engine's refusals as one line each."""
    from docker.errors import APIError, ImageNotFound

    try:
        yield
    except ImageNotFound as error:
        raise ImageMissing(
            f"{image}: the engine has no such image; build or pull it, or correct `image` in the "
            "kernel.json"
        ) from error
    except APIError as error:
        told = " ".join(str(error.explanation or error).split())
        raise refusal(error, gpus) or UserError(
            f"{image}: the engine refuses to start a kernel: {told}"
        ) from error


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
