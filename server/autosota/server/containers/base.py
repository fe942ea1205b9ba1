"""The image a user starts from: whether the engine has it, and what its Python says of itself.

A missing image is fetched by the engine, with progress, a limit and a stop button. Questions
are asked in a container behind walls and with no network, which is removed afterwards. What is
built on a base is not known here.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autosota.server.containers.engine import Engine
from autosota.server.containers.labels import Role, labels
from autosota.server.containers.walls import User, walls
from autosota.server.containers.wheels import Target
from autosota.server.errors import UserError
from autosota.server.sandbox.environment import redact
from autosota.server.sandbox.launch import Stop, clean

if TYPE_CHECKING:
    import docker

Say = Callable[[str], None]
ASK_SECONDS = 120.0
_ASK_BYTES = 2 * 2**30
_POLL_SECONDS = 0.1
_CLOSE_SECONDS = 10.0

_QUESTION = """
import json, os, platform, re, sys, sysconfig
from importlib.metadata import distributions
libc = list(platform.libc_ver())
if libc[0] != "glibc":
    libc = ["musl", "1.2"] if any(n.startswith("ld-musl") for n in os.listdir("/lib")) else ["", ""]
info = sys.implementation.version
markers = {
    "implementation_name": sys.implementation.name,
    "implementation_version": "%d.%d.%d" % info[:3],
    "os_name": os.name, "platform_machine": platform.machine(),
    "platform_release": platform.release(), "platform_system": platform.system(),
    "platform_version": platform.version(),
    "python_full_version": platform.python_version(),
    "platform_python_implementation": platform.python_implementation(),
    "python_version": ".".join(platform.python_version_tuple()[:2]),
    "sys_platform": sys.platform,
}
installed = {}
for item in distributions():
    name = item.metadata["Name"]
    if not name:
        continue
    lines = ["Metadata-Version: 2.1", "Name: " + name, "Version: " + item.version]
    for field in ("Requires-Python", "Provides-Extra"):
        lines += [field + ": " + value for value in item.metadata.get_all(field) or ()]
    lines += ["Requires-Dist: " + " ".join(r.split()) for r in item.requires or ()]
    folder = re.sub(r"[-_.]+", "_", name).lower() + "-" + item.version
    installed.setdefault(folder, "\\n".join(lines) + "\\n")
print("\\n" + json.dumps({
    "version": platform.python_version(), "implementation": sys.implementation.name,
    "machine": platform.machine(), "libc": libc, "abiflags": getattr(sys, "abiflags", ""),
    "markers": markers, "installed": installed,
}))
"""


@dataclass(frozen=True, slots=True)
class Base:
    """An image that the engine has.

    Attributes:
        name: As the user calls it.
        id: The hash of its content, which the engine knows it by.
        bytes: Its size.
    """

    name: str
    id: str
    bytes: int


def find(engine: Engine, name: str) -> Base | None:
    """The image of that name, or None when the engine does not have it.

    Raises:
        UserError: the engine cannot be asked, or the name is none.
    """
    from docker.errors import ImageNotFound

    with told(engine, name):
        try:
            attributes = engine.client.images.get(name).attrs
        except ImageNotFound:
            return None
    return Base(name, attributes["Id"], int(attributes.get("Size") or 0))


def pull(engine: Engine, name: str, say: Say, stop: Stop | None, deadline: float) -> Base:
    """Let the engine fetch an image.

    Raises:
        UserError: it cannot be had, it was stopped, or took too long.
    """
    say(f"fetching the image {name}")
    bare = "@" not in name and ":" not in name.rpartition("/")[2]
    lines = followed(
        engine,
        lambda client: client.api.pull(
            f"{name}:latest" if bare else name, stream=True, decode=True
        ),
        f"fetching the image {name}",
        stop,
        deadline,
    )
    try:
        for line in lines:
            if why := line.get("error"):
                raise Refused(name, redact(clean(str(why))))
            if not line.get("progressDetail"):
                say(clean(" ".join(str(line.get(k, "")) for k in ("id", "status"))))
        if found := find(engine, name):
            return found
        raise Refused(name, "it did not arrive")
    except Refused as error:
        raise UserError(
            f"the image {name} is not here and cannot be fetched ({error.why}); check its name, "
            f"`docker pull {name}` where there is a network, or name another one in "
            "environment.image"
        ) from error


def describe(engine: Engine, base: Base, who: User) -> Target:
    """What the Python of an image says of itself, and of the packages it has.

    Raises:
        UserError: there is no Python that can be used.
    """
    code, out, error = ask(engine, base.id, ["python3", "-I", "-c", _QUESTION], who)
    try:
        if code:
            raise ValueError(error)
        found: dict[str, Any] = json.loads(out.decode("utf-8", "replace").strip().splitlines()[-1])
    except (ValueError, LookupError) as problem:
        raise UserError(
            f"the image {base.name} has no Python 3.8 or newer as `python3` "
            f"({clean(str(problem)) or f'exit code {code}'}); name one that has in "
            "environment.image, e.g. python:3.12-slim"
        ) from problem
    if found["implementation"] != "cpython" or not found["libc"][0]:
        raise UserError(
            f"the image {base.name} has {found['implementation']} {found['version']}, for which "
            "packages cannot be chosen; name an image with CPython in environment.image"
        )
    return Target(
        found["version"],
        found["machine"],
        tuple(found["libc"]),
        found["abiflags"],
        found["markers"],
        found["installed"],
    )


def ask(
    engine: Engine, image: str, words: Sequence[str], who: User, seconds: float = ASK_SECONDS
) -> tuple[int, bytes, str]:
    """Run one short command in a container of an image: exit code, output, last error line.

    Raises:
        UserError: it does not end in time, or no container can be started.
    """
    import requests
    from docker.errors import APIError, NotFound
    from docker.types import LogConfig

    container = None
    with told(engine, image):
        try:
            container = engine.client.containers.create(
                image,
                entrypoint=list(words[:1]),
                command=list(words[1:]),
                labels=labels(Role.PROBE),
                tmpfs={"/tmp": "rw,nosuid,nodev,size=64m,mode=1777"},
                environment={"HOME": "/tmp", "LANG": "C.UTF-8"},
                log_config=LogConfig(type="json-file", config={}),
                use_config_proxy=False,
                working_dir="/",
                **walls(who, memory_bytes=_ASK_BYTES, processes=256),
            )
            try:
                container.start()
            except APIError as error:
                why = " ".join(str(error.explanation or error).split())
                if "executable file not found" in why or "no such file" in why.lower():
                    return 127, b"", f"there is no {words[0]}"
                raise
            code = int(container.wait(timeout=seconds)["StatusCode"])
            out = container.logs(stdout=True, stderr=False)
            lines = container.logs(stdout=False, stderr=True).decode("utf-8", "replace")
            return code, out, (lines.strip().splitlines() or [""])[-1]
        finally:
            if container is not None:
                with contextlib.suppress(APIError, NotFound, requests.RequestException):
                    container.remove(force=True, v=True)


class Refused(UserError):
    """The engine answered, and the answer was no.

    Attributes:
        why: In its words.
    """

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")
        self.why = why


@contextlib.contextmanager
def told(engine: Engine, what: str) -> Iterator[None]:
    """The engine's refusals as one line that says what it was asked about.

    Raises:
        Refused: it refused.
        UserError: its disk is full.
        EngineUnavailable: it is gone, or does not answer in time.
    """
    from docker.errors import APIError, DockerException

    try:
        with engine.speaking():
            yield
    except APIError as error:
        why = " ".join(str(error.explanation or error).split())
        if "no space left" in why.lower():
            raise UserError(disk_full(engine, what)) from error
        raise Refused(f"{what}: refused by {engine}", redact(clean(why))) from error
    except DockerException as error:
        raise Refused(f"{what}: refused by {engine}", redact(clean(str(error)))) from error


def disk_full(engine: Engine, what: str) -> str:
    """The line for an engine whose disk is full."""
    where = engine.facts.root or "its folder"
    return (
        f"{what}: no space left on the disk of {engine} ({where}); `autosota kernel clean` removes "
        "our images, `docker system df` shows the others"
    )


def followed(
    engine: Engine,
    begin: Callable[[docker.DockerClient], Iterator[dict[str, Any]]],
    what: str,
    stop: Stop | None,
    deadline: float,
) -> Iterator[dict[str, Any]]:
    """The progress of something long that the engine does, until its end.

    Closing the connection is what tells the engine to give up, so the stream is read by another
    thread, and this one watches the button and the clock.

    Raises:
        UserError: stopped, out of time, or the engine is gone.
    """
    import requests
    import urllib3
    from docker.errors import DockerException
    from docker.types import CancellableStream

    lines: queue.SimpleQueue[dict[str, Any] | BaseException | None] = queue.SimpleQueue()
    answers: list[requests.Response] = []
    client = engine.another(max(1.0, deadline - time.monotonic()))
    client.api.hooks["response"].append(lambda answer, *_, **__: answers.append(answer))

    def read() -> None:
        try:
            for line in begin(client):
                lines.put(line)
            lines.put(None)
        except urllib3.exceptions.HTTPError as error:  # the line was cut in mid-answer
            lines.put(requests.ConnectionError(error))
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            lines.put(error)

    reader = threading.Thread(target=read, name="autosota-engine-stream", daemon=True)
    reader.start()
    try:
        while True:
            if stop is not None and stop.pressed:
                raise UserError(f"{what}: stopped")
            if time.monotonic() > deadline:
                raise UserError(f"{what}: not done within the time limit; try again, or raise it")
            try:
                line = lines.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if line is None:
                return
            if isinstance(line, BaseException):
                with told(engine, what):
                    raise line
            yield line
    finally:
        if reader.is_alive():
            for answer in answers[-1:]:
                with contextlib.suppress(OSError, AttributeError, DockerException):
                    CancellableStream(iter(()), answer).close()
            reader.join(_CLOSE_SECONDS)
        client.close()
