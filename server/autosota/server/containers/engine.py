"""A container engine that answers, and what it can do.

Connecting asks the engine for its version and its abilities, within a time limit. Where it is
looked for is `endpoint.py`'s business; what containers are for, and how they are walled in, is
not known here.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autosota.server.containers import sharing
from autosota.server.containers.endpoint import (
    Endpoint,
    EngineUnavailable,
    explain,
    find_endpoint,
)

if TYPE_CHECKING:
    import docker

__all__ = ["Endpoint", "Engine", "EngineFacts", "EngineUnavailable", "find_endpoint"]

CONNECT_SECONDS = 10.0
CALL_SECONDS = 60.0
"""The usual limit of one call; a build gets a longer one, and `wait` has none by itself."""

REMOVE_SECONDS = 5.0
_OLDEST_API = "1.40"
"""Docker 19.03, the first that knows GPUs."""

_LINUX = "switch it to Linux containers"


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What an engine says of itself.

    Attributes:
        name: `docker` or `podman`.
        version: The engine's version.
        api: The version of the API spoken with it.
        rootless: It runs as an ordinary user, who is root inside its containers.
        remapped: Users inside are other users outside (`userns-remap`).
        selinux: Mounted files need a label, or containers without labelling.
        cgroup: The version of control groups, 1 or 2; 0 when it is not told.
        runtimes: Names of runtimes, e.g. `runc`, `nvidia`.
        cdi_dirs: Where it looks for descriptions of devices (Container Device Interface).
        arch: The machine, e.g. `x86_64`.
        system: The engine's operating system, as it calls it.
        memory_limit: Whether memory can be limited; so with swap and the number of processes.
        cores: Processors of the engine's machine.
        memory_bytes: Memory of the engine's machine.
        root: The folder of its images and containers, on its machine.
        storage: The storage driver.
    """

    name: str
    version: str
    api: str
    rootless: bool = False
    remapped: bool = False
    selinux: bool = False
    cgroup: int = 0
    runtimes: tuple[str, ...] = ()
    cdi_dirs: tuple[str, ...] = ()
    arch: str = ""
    system: str = ""
    memory_limit: bool = True
    swap_limit: bool = True
    pids_limit: bool = True
    cores: int = 0
    memory_bytes: int = 0
    root: str = ""
    storage: str = ""

    def fitted(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of `containers.create`, with what this engine needs to let files be ours.

        Files keep their SELinux labels, so the container goes without; and users keep their
        numbers where the engine would map them to others. Neither makes code inside root.
        """
        out = dict(settings)
        if self.selinux:
            out["security_opt"] = [*out.get("security_opt", ()), "label=disable"]
        if self.remapped:
            out["userns_mode"] = "host"
        return out

    def __str__(self) -> str:
        how = ", rootless" if self.rootless else ""
        return f"{self.name.capitalize()} {self.version}{how}"


class Engine:
    """A connection to an engine that answers. Close it, or use it as a context manager.

    Attributes:
        endpoint: Where it listens; shown to the user before code is mounted.
        facts: What it can do.
        client: The SDK's client, whose calls end after `CALL_SECONDS`. One thread uses it at a
            time; `another` gives one to a second thread.
    """

    def __init__(self, endpoint: Endpoint, client: docker.DockerClient, facts: EngineFacts) -> None:
        self.endpoint, self.client, self.facts = endpoint, client, facts

    @classmethod
    def connect(cls, endpoint: Endpoint | None = None, seconds: float = CONNECT_SECONDS) -> Engine:
        """Connect and ask what the engine can do.

        Args:
            endpoint: Where; by default what `find_endpoint` finds.
            seconds: The time limit of all of it.

        Raises:
            EngineUnavailable: it does not answer in time, or cannot be used; says what mends it.
        """
        where = find_endpoint() if endpoint is None else endpoint
        deadline = time.monotonic() + seconds
        with _explained(where, seconds):
            with contextlib.closing(_client(where, _OLDEST_API, seconds)) as first:
                version = first.api.version(api_version=False)
            api = str(version.get("ApiVersion", "")) if isinstance(version, dict) else ""
            if not re.fullmatch(r"\d+\.\d+", api):
                raise ValueError(f"no version of an API: {str(version)[:80]}")
            if [int(n) for n in api.split(".")] < [int(n) for n in _OLDEST_API.split(".")]:
                raise ValueError(f"API {api} is too old")
            if version.get("Os") == "windows":
                raise EngineUnavailable("it runs Windows containers", _LINUX, where)
            client = _client(where, api, deadline - time.monotonic())
            try:
                facts = _facts(version, client.info())
            except BaseException:
                client.close()
                raise
        return cls(where, _limited(client, CALL_SECONDS), facts)

    def another(self, seconds: float | None = CALL_SECONDS) -> docker.DockerClient:
        """One more client of the same engine, for another thread; the caller closes it.

        Args:
            seconds: The limit of each of its calls; None for none, to wait for a container.
        """
        with _explained(self.endpoint, seconds or CALL_SECONDS):
            client = _client(self.endpoint, self.facts.api, seconds or CALL_SECONDS)
        return _limited(client, seconds)

    @contextlib.contextmanager
    def speaking(self, seconds: float | None = None) -> Iterator[None]:
        """Calls of the SDK in which an engine that went away is an `EngineUnavailable`.

        What the engine refuses (the SDK's `APIError`) passes through. The SDK's `wait` has no
        limit unless it is given one.

        Args:
            seconds: The limit that the calls have, to be told; by default the client's own.
        """
        import requests
        from docker.errors import APIError

        try:
            yield
        except APIError:
            raise
        except (requests.RequestException, OSError) as error:
            limit = self.client.api.timeout if seconds is None else seconds
            why, fix = explain(self.endpoint, error, limit or CALL_SECONDS)
            raise EngineUnavailable(why, fix, self.endpoint) from error

    def __str__(self) -> str:
        return f"{self.facts} at {self.endpoint}"

    def close(self) -> None:
        """Close the connection; twice does no harm."""
        self.client.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def discard(self, container: str, seconds: float = REMOVE_SECONDS) -> str:
        """Kill and remove a container, with its anonymous volumes.

        Podman refuses for a moment when a container has just ended; that is waited for.

        Args:
            container: Its id; one that is gone already is fine.
            seconds: How long refusals are taken for passing ones.

        Returns:
            Why it is still there; empty when it is gone, or going.

        Raises:
            EngineUnavailable: the engine went away.
        """
        from docker.errors import APIError, NotFound

        deadline = time.monotonic() + seconds
        with self.speaking():
            while True:
                try:
                    with contextlib.suppress(APIError):  # Podman would ask it to end, for 10 s
                        self.client.api.kill(container)
                    self.client.api.remove_container(container, force=True, v=True)
                    return ""
                except NotFound:
                    return ""
                except APIError as error:
                    why = " ".join(str(error.explanation or error).split())
                    if "already in progress" in why:
                        return ""
                    if time.monotonic() > deadline:
                        return why
                time.sleep(0.1)

    def has_image(self, name: str) -> bool:
        """Whether the engine has an image of this name or id; nothing is fetched.

        Raises:
            EngineUnavailable: the engine went away.
        """
        from docker.errors import APIError, NullResource

        with self.speaking():
            try:
                self.client.images.get(name)
            except NullResource:
                return False
            except APIError as error:
                if error.status_code in (400, 404):  # no such image, or no such name at all
                    return False
                raise
        return True

    def shares_files(self, image: str, folder: Path | None = None) -> str:
        """Why containers do not see this machine's files; empty when they do.

        A remote engine, or one in a virtual machine, mounts other files, or copies of ours in
        which pipes and sockets do not connect. So a container writes into a named pipe that
        this process reads. Asked once per process, endpoint and folder.

        Args:
            image: An image of the engine that has `/bin/sh`.
            folder: Where it is tried; by default the folder for temporary files.

        Raises:
            UserError: the image is not there, or the container cannot be started at all.
        """
        place = Path(tempfile.gettempdir() if folder is None else folder).resolve()
        key = (self.endpoint.url, str(place))
        if key not in _SHARED:
            _SHARED[key] = sharing.why_not(self, image, place)
        return _SHARED[key]


_SHARED: dict[tuple[str, str], str] = {}


def _client(where: Endpoint, api: str, seconds: float) -> docker.DockerClient:
    import docker

    options: dict[str, Any] = {}
    if where.certificates is not None:
        pems = [str(where.certificates / f"{n}.pem") for n in ("ca", "cert", "key")]
        options["tls"] = docker.tls.TLSConfig(
            client_cert=(pems[1], pems[2]) if os.path.exists(pems[1]) else None,
            ca_cert=pems[0] if where.verify else None,
            verify=where.verify,
        )
    client = docker.DockerClient(
        base_url=where.url, version=api, timeout=_at_least(seconds), **options
    )
    # variables for web sites (proxies, certificates, .netrc) are not meant for the engine
    client.api.trust_env = False
    return client


def _limited(client: docker.DockerClient, seconds: float | None) -> docker.DockerClient:
    """The client, with another limit for each of its next calls."""
    limit: Any = None if seconds is None else _at_least(seconds)
    client.api.timeout = limit
    return client


def _at_least(seconds: float) -> Any:
    """A time limit as the SDK takes it; 0 would be none."""
    return max(0.05, seconds)


def _facts(version: Mapping[str, Any], info: Mapping[str, Any]) -> EngineFacts:
    options = [str(o) for o in info.get("SecurityOptions") or ()]
    named = {part.partition("=")[2] for o in options for part in o.split(",") if "name=" in part}
    parts = [str(c.get("Name", "")).lower() for c in version.get("Components") or ()]
    cgroup = str(info.get("CgroupVersion") or "").lstrip("v")
    rootless = "rootless" in named or bool(info.get("Rootless"))  # Docker's word, Podman's word
    # without delegated control groups limits are accepted and ignored
    limits = not rootless or (cgroup != "1" and info.get("CgroupDriver") != "none")
    arch = str(info.get("Architecture") or "")
    return EngineFacts(
        name="podman" if any("podman" in p for p in parts) else "docker",
        version=str(version.get("Version") or info.get("ServerVersion") or ""),
        api=str(version.get("ApiVersion") or ""),
        rootless=rootless,
        remapped="userns" in named,
        selinux="selinux" in named,
        cgroup=int(cgroup) if cgroup.isdigit() else 0,
        runtimes=tuple(sorted(info.get("Runtimes") or ())),
        cdi_dirs=tuple(info.get("CDISpecDirs") or ()),
        arch={"amd64": "x86_64", "arm64": "aarch64"}.get(arch, arch),
        system=str(info.get("OperatingSystem") or ""),
        memory_limit=limits and bool(info.get("MemoryLimit", True)),
        swap_limit=limits and bool(info.get("SwapLimit", True)),
        pids_limit=limits and bool(info.get("PidsLimit", True)),
        cores=int(info.get("NCPU") or 0),
        memory_bytes=int(info.get("MemTotal") or 0),
        root=str(info.get("DockerRootDir") or ""),
        storage=str(info.get("Driver") or ""),
    )


@contextlib.contextmanager
def _explained(where: Endpoint, seconds: float) -> Iterator[None]:
    """Errors of the SDK as what is wrong and what mends it."""
    import requests
    from docker.errors import DockerException

    try:
        yield
    except (DockerException, requests.RequestException, OSError, ValueError) as error:
        why, fix = explain(where, error, seconds)
        raise EngineUnavailable(why, fix, where) from error
