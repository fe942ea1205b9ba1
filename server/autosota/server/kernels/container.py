"""Containers that kernels run in: what they are made with, and how the engine refuses.

The walls are those of all containers of ours (`containers/walls.py`); here is what a kernel
needs besides. What runs inside is the caller's business. Every call blocks, within limits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autosota.server.containers.engine import Engine, EngineUnavailable
from autosota.server.containers.gpus import GpuChoice, refusal
from autosota.server.containers.labels import Role, labels
from autosota.server.containers.walls import User, walls
from autosota.server.errors import UserError
from autosota.server.kernels import shared
from autosota.server.kernels.folder import ELSEWHERE, Seen
from autosota.server.kernels.network import NO_NAMES, quiet
from autosota.server.kernels.options import Options
from autosota.server.kernels.watched import CALL_SECONDS
from autosota.server.kernels.wire import INSIDE, TCP_INSIDE, Meeting, Wire

if TYPE_CHECKING:
    import docker

COMMAND = ("python3", "-m", "ipykernel_launcher", "-f", "{connection_file}")
START_SECONDS = 60.0


class ImageMissing(UserError):
    """The engine does not have the image."""


@dataclass(frozen=True)
class Plan:
    """All that decides what kernels of one kind run in.

    Attributes:
        engine: Where.
        options: Of the kernelspec.
        view: What is seen of this machine.
        who: The user inside.
        image: The image, which exists; not needed to attach.
        env: The kernelspec's variables.
        command: What starts a kernel, with `{connection_file}`.
        gpus: Those it gets.
    """

    engine: Engine
    options: Options
    view: Seen
    who: User
    image: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = COMMAND
    gpus: GpuChoice = field(default_factory=GpuChoice)


def create(
    plan: Plan,
    command: list[str],
    meeting: Meeting | None,
    *,
    role: Role,
    env: Mapping[str, str] | None = None,
    ports: Wire | None = None,
    name: str | None = None,
) -> tuple[str, dict[str, Any]]:
    """Make and start a container behind our walls.

    Args:
        plan: What it is made with.
        command: What runs in it.
        meeting: The private folder it has mounted; None for none.
        role: What it says it is for.
        env: More variables.
        ports: The wire whose ports are published.
        name: Its name; by default the engine finds one.

    Returns:
        Its identifier, and what the engine knows of it.

    Raises:
        EngineUnavailable: the engine does not answer.
        ImageMissing: there is no such image.
        UserError: the engine refuses; one line.
    """
    engine = plan.engine
    arguments = {**_arguments(plan), **plan.gpus.arguments}
    if meeting is not None:
        arguments["mounts"].append(_bind(INSIDE, meeting.shared))
    scratch = meeting.folder if meeting is not None else None
    container = ""
    with contextlib.closing(engine.another(START_SECONDS)) as client:
        try:
            with engine.speaking(START_SECONDS), _refusals(plan):
                if ports is not None:
                    arguments |= _publishing(client, plan.options, ports)
                for place in _volumes(client, plan.image):
                    arguments["tmpfs"].setdefault(place, "mode=1777")
                arguments |= {
                    "name": name,
                    "environment": {
                        **_environment(),
                        **plan.env,
                        **plan.gpus.env,
                        **(env or {}),
                    },
                    "labels": labels(role, scratch=scratch, workspace=plan.view.workspace),
                }
                container = _made(client, plan.image, command, arguments)
                client.api.start(container)
                return container, client.api.inspect_container(container)
        except BaseException:
            if container:
                remove(client, engine, container)
            raise


def _made(
    client: docker.DockerClient, image: str, command: list[str], arguments: dict[str, Any]
) -> str:
    """Make it with a first process that reaps others, where the engine has one to give."""
    from docker.errors import APIError

    try:
        return str(client.containers.create(image, command, **arguments).id)
    except APIError as error:
        if "container-init binary not found" not in str(error.explanation):
            raise
    return str(client.containers.create(image, command, **{**arguments, "init": False}).id)


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


def _arguments(plan: Plan) -> dict[str, Any]:
    from docker.types import LogConfig

    options, view, facts = plan.options, plan.view, plan.engine.facts
    memory = options.memory_bytes or facts.memory_bytes * 3 // 4
    out = walls(
        plan.who,
        memory_bytes=memory if facts.memory_limit else 0,
        cpus=options.cpus,
        processes=options.processes,
        shared_bytes=options.shared_bytes,
        network=options.network,
    )
    mounts = [_bind(str(b.target), b.source, writable=b.writable) for b in view.binds]
    tmp = "mode=1777" + (",exec" if options.exec_tmp else "")
    tmpfs = {"/tmp": tmp, **{str(hidden): "ro,size=4k,mode=0555" for hidden in view.hidden}}
    return facts.fitted(out) | {
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


def _volumes(client: docker.DockerClient, image: str) -> list[str]:
    """Places that an image declares as volumes: the engine would keep what is written there."""
    told: Any = client.api.inspect_image(image)  # type: ignore[no-untyped-call]
    return sorted((told.get("Config") or {}).get("Volumes") or {})


def _environment() -> dict[str, str]:
    """A writable place, as the root is read-only; and ipykernel prints no advice to terminals."""
    return {"HOME": ELSEWHERE, "IPYTHONDIR": f"{ELSEWHERE}/.ipython", "JPY_PARENT_PID": "1"}


@contextlib.contextmanager
def _refusals(plan: Plan) -> Iterator[None]:
    """The engine's refusals as one line each."""
    from docker.errors import APIError, ImageNotFound

    try:
        yield
    except ImageNotFound as error:
        raise ImageMissing(
            f"{plan.image}: the engine has no such image; build or pull it, or correct `image` in "
            "the kernel.json"
        ) from error
    except APIError as error:
        told = " ".join(str(error.explanation or error).split())
        raise refusal(error, plan.gpus) or UserError(
            f"{plan.image}: the engine refuses to start a kernel: {told}"
        ) from error
