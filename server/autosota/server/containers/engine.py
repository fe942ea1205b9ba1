"""A container engine: where it listens, whether it answers, and what it can do.

Finding an endpoint is a pure look at variables, files and sockets; nothing is connected to. The
order is the Docker CLI's own: what the user said, then the usual places. Connecting asks the
engine for its version and its abilities, within a time limit. What containers are for, and how
they are walled in, is not known here.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import select
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autosota.server.containers.labels import Role, labels
from autosota.server.containers.walls import user, walls
from autosota.server.errors import UserError

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

CONNECT_SECONDS = 10.0
CALL_SECONDS = 60.0
"""The usual limit of one call; a build gets a longer one, and `wait` has none by itself."""

PROBE_SECONDS = 10.0
_OLDEST_API = "1.40"
"""Docker 19.03, the first that knows GPUs."""

_LINUX = "switch it to Linux containers"
_PASSWORD = re.compile(r"(?<=:)[^/@]+(?=@)")
_SYSTEM_SOCKETS = (Path("/var/run/docker.sock"), Path("/run/docker.sock"))
_PODMAN_SOCKETS = (Path("/run/podman/podman.sock"),)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an engine listens.

    Attributes:
        url: `unix://`, `tcp://`, `https://` or `ssh://`.
        source: Who said so: a variable, a context of the Docker CLI, or "the default socket".
        local: True for a socket file of this machine. Whether the engine behind it sees this
            machine's files is another question: `Engine.shares_files`.
        certificates: The folder with `ca.pem`, `cert.pem` and `key.pem`, for TLS.
        verify: Whether the engine's own certificate is checked.
    """

    url: str
    source: str
    local: bool
    certificates: Path | None = None
    verify: bool = True

    @property
    def socket(self) -> Path | None:
        """The socket file, when it is one."""
        return Path(self.url.removeprefix("unix://")) if self.url.startswith("unix://") else None

    def __str__(self) -> str:
        return f"{_PASSWORD.sub('***', self.url)} ({self.source})"


class EngineUnavailable(UserError):
    """No engine, none that answers, or none that can be used.

    Attributes:
        why: What is wrong.
        fix: The one action that mends it.
        endpoint: Where it was looked for; None when there is nowhere to look.
        nothing: True when nobody named an engine, and there is none in the usual places.
    """

    def __init__(self, why: str, fix: str, endpoint: Endpoint | None = None) -> None:
        where = f"container engine at {endpoint}: " if endpoint is not None else ""
        super().__init__(f"{where}{why}; {fix}")
        self.why, self.fix, self.endpoint = why, fix, endpoint
        self.nothing = False


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


def find_endpoint(environ: Mapping[str, str] | None = None) -> Endpoint:
    """Where the user's container engine listens; nothing is connected to.

    In this order: `DOCKER_HOST`; `DOCKER_CONTEXT`, or the current context of the Docker CLI;
    `CONTAINER_HOST`; the system's socket, the user's own (rootless) socket, Podman's sockets.
    Of the sockets the first one that this user may use is taken, else the first there is.

    Raises:
        EngineUnavailable: there is none, or the user's settings name one that does not exist.
    """
    env = os.environ if environ is None else environ
    if host := env.get("DOCKER_HOST", "").strip():
        folder, verify = _tls_of_variables(env)
        return _endpoint(host, "DOCKER_HOST", folder, verify)
    config = Path(env.get("DOCKER_CONFIG") or Path(_home(env), ".docker"))
    if name := env.get("DOCKER_CONTEXT", "").strip():
        source = f"context {name!r}, DOCKER_CONTEXT"
    elif name := _current_context(config):
        source = f"context {name!r}, the Docker CLI's current one"
    if name and name != "default":
        return _of_context(config, name, source)
    if host := env.get("CONTAINER_HOST", "").strip():
        return _endpoint(host, "CONTAINER_HOST")
    there = [(p, s) for p, s in _sockets(env) if p.is_socket()]
    for path, source in there:
        if os.access(path, os.R_OK | os.W_OK):
            return Endpoint(f"unix://{path}", source, local=True)
    if there:
        return Endpoint(f"unix://{there[0][0]}", there[0][1], local=True)
    error = EngineUnavailable(
        "no container engine found: DOCKER_HOST and the Docker CLI's context name none, and there "
        "is no socket of Docker or Podman",
        "install Docker or Podman and start it, or set DOCKER_HOST",
    )
    error.nothing = True
    raise error


def _sockets(env: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    yield from ((path, "the default socket") for path in _SYSTEM_SOCKETS)
    runtime = env.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    yield Path(runtime, "docker.sock"), "the user's own socket, rootless"
    yield Path(_home(env), ".docker/run/docker.sock"), "Docker Desktop's socket"
    yield Path(runtime, "podman/podman.sock"), "Podman's socket, rootless"
    yield from ((path, "Podman's socket") for path in _PODMAN_SOCKETS)


def _home(env: Mapping[str, str]) -> str:
    return env.get("HOME") or str(Path.home())


def _endpoint(
    host: str, source: str, certificates: Path | None = None, verify: bool = True
) -> Endpoint:
    if host.startswith("/"):
        host = f"unix://{host}"
    url = re.sub(r"^unix:/*", "unix:///", host)
    known = ("unix://", "tcp://", "http://", "https://", "ssh://")
    if not url.startswith(known):
        raise EngineUnavailable(
            f"{source} is {host!r}, which is no address of an engine",
            "write it as unix:///path/to/socket, tcp://host:port or ssh://user@host",
        )
    return Endpoint(url, source, url.startswith("unix://"), certificates, verify)


def _tls_of_variables(env: Mapping[str, str]) -> tuple[Path | None, bool]:
    """`DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH`, as the Docker CLI reads them."""
    verify, folder = env.get("DOCKER_TLS_VERIFY", ""), env.get("DOCKER_CERT_PATH", "")
    if not (verify or env.get("DOCKER_TLS", "") or folder):
        return None, True
    return Path(folder or Path(_home(env), ".docker")), bool(verify)


def _current_context(config: Path) -> str:
    file = config / "config.json"
    try:
        told = json.loads(file.read_bytes())
    except OSError:
        return ""
    except ValueError as error:
        raise EngineUnavailable(
            f"{file} is not JSON ({error})", "mend it, or set DOCKER_HOST"
        ) from error
    name = told.get("currentContext", "") if isinstance(told, dict) else ""
    return name if isinstance(name, str) else ""


def _of_context(config: Path, name: str, source: str) -> Endpoint:
    """The endpoint of a context of the Docker CLI, which keeps them by the hash of their name."""
    digest = sha256(name.encode()).hexdigest()
    file = config / "contexts" / "meta" / digest / "meta.json"
    try:
        told = json.loads(file.read_bytes())["Endpoints"]["docker"]
        host, skip = str(told["Host"]), bool(told.get("SkipTLSVerify", False))
    except OSError as error:
        raise EngineUnavailable(
            f"{source} does not exist ({file}: {(error.strerror or str(error)).lower()})",
            "`docker context ls` lists those that do, `docker context use NAME` takes one",
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise EngineUnavailable(
            f"{file} holds no endpoint of Docker", "`docker context use NAME` takes another one"
        ) from error
    tls = config / "contexts" / "tls" / digest / "docker"
    return _endpoint(host, source, tls if tls.is_dir() else None, not skip)


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
            why, fix = _explain(self.endpoint, error, limit or CALL_SECONDS)
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
            _SHARED[key] = _probe(self, image, place)
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
        why, fix = _explain(where, error, seconds)
        raise EngineUnavailable(why, fix, where) from error


def _explain(where: Endpoint, error: Exception, seconds: float) -> tuple[str, str]:
    text = _PASSWORD.sub("***", " ".join(str(error).split()))
    lower = text.lower()
    path = where.socket
    admin = "" if os.geteuid() == 0 else "sudo "
    start = f"start it: {admin}systemctl start docker"
    if path is not None and "podman" in path.name:
        start = "start it: systemctl --user start podman.socket"
    elif path is not None and path.is_relative_to("/run/user"):
        start = "start it: systemctl --user start docker"
    elif path is None:
        start = f"start the engine there, or correct {where.source.partition(' ')[0]}"
    if path is not None and not path.exists():
        return "there is no such socket", start
    if "permission denied" in lower or isinstance(error, PermissionError):
        return (
            "this user may not use its socket",
            f"{admin}usermod -aG docker $USER and log in again (that group is as good as root), "
            "or install a rootless engine: dockerd-rootless-setuptool.sh install",
        )
    if "timed out" in lower or "timeout" in lower or "temporarily unavailable" in lower:
        restart = start.replace("start it", "restart it").replace(" start ", " restart ")
        return f"no answer within {seconds:g} s", restart
    if "refused" in lower:
        return "nothing listens there", start
    if "paramiko" in lower:
        return "ssh:// needs the package paramiko", "pip install 'docker[ssh]'"
    if "name or service not known" in lower or "name resolution" in lower:
        return "there is no machine of this name", f"correct {where.source.partition(' ')[0]}"
    if re.search(r"certificate|ssl|tls|https server", lower):
        return (
            f"TLS failed ({text[-200:]})",
            "set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH to the folder of ca.pem, cert.pem, "
            "key.pem",
        )
    if "no longer supported" in lower or "is too old" in lower:
        return f"it is too old ({text[-200:]})", "install Docker 20.10 or Podman 4 or newer"
    return f"it does not answer as an engine does ({text[-200:]})", "check what listens there"


def _probe(engine: Engine, image: str, place: Path) -> str:
    """Let a container write into a named pipe of ours."""
    import requests
    from docker.errors import APIError, ImageNotFound
    from docker.types import Mount

    word = secrets.token_hex(8)
    try:
        folder = Path(tempfile.mkdtemp(prefix="autosota-probe-", dir=place))
    except OSError as error:
        raise UserError(f"{place}: not writable ({error.strerror or error})") from error
    container = descriptor = None
    try:
        folder.chmod(0o755)
        pipe = folder / "pipe"
        os.mkfifo(pipe)
        pipe.chmod(0o622)
        descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        try:
            container = engine.client.containers.create(
                image,
                entrypoint=["/bin/sh", "-c", f"echo {word} > /probe/pipe"],
                command=[],
                labels=labels(Role.PROBE, scratch=folder),
                mounts=[Mount("/probe", str(folder), type="bind")],
                use_config_proxy=False,
                **engine.facts.fitted(walls(user(rootless=engine.facts.rootless))),
            )
            container.start()
        except ImageNotFound as error:
            raise UserError(f"{image}: {engine.facts.name} has no such image") from error
        except APIError as error:
            told = " ".join(str(error.explanation or error).split())
            if "source path" in told or "no such file" in told:
                return f"the engine at {engine.endpoint} does not see this machine's files"
            raise UserError(f"{image}: a container cannot be started ({told})") from error
        if _arrives(descriptor, word, container):
            return ""
        return (
            f"the engine at {engine.endpoint} does not share this machine's files (it is remote, "
            "or in a virtual machine)"
        )
    finally:
        if descriptor is not None:
            os.close(descriptor)
        if container is not None:
            with contextlib.suppress(APIError, requests.RequestException):
                container.remove(force=True)
        shutil.rmtree(folder, ignore_errors=True)


def _arrives(descriptor: int, word: str, container: Container) -> bool:
    """Whether the word comes through the pipe before the container ends, or time is up."""
    deadline = time.monotonic() + PROBE_SECONDS
    ended = False
    while not ended and time.monotonic() < deadline:
        ended = container.status == "exited"
        if select.select([descriptor], [], [], 0.5)[0]:
            return os.read(descriptor, 64).decode("ascii", "replace").strip() == word
        container.reload()
    return False
