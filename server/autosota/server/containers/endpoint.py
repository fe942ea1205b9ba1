"""Where the user's container engine listens, and what is wrong when it cannot be reached.

A pure look at variables, files and sockets, in the Docker CLI's own order: what the user said,
then the usual places. Nothing is connected to, and the engine's SDK is not known here.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from autosota.server.errors import UserError
from autosota.server.setup import machine

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


def explain(where: Endpoint, error: Exception, seconds: float) -> tuple[str, str]:
    """What is wrong with an engine that cannot be reached, and what mends it.

    Args:
        where: Where it should be.
        error: What the SDK, or the system, said.
        seconds: The time limit it was given.
    """
    text = _PASSWORD.sub("***", " ".join(str(error).split()))
    lower = text.lower()
    path = where.socket
    admin = machine.admin()
    start = f"start it: {admin}systemctl start docker"
    if path is not None and "podman" in path.name:
        start = "start it: systemctl --user start podman.socket"
    elif path is not None and path.is_relative_to("/run/user"):
        start = "start it: systemctl --user start docker"
    elif path is None:
        start = f"start the engine there, or correct {where.source.partition(' ')[0]}"
    if path is not None and not path.exists():
        named = where.source.startswith(("DOCKER_HOST", "CONTAINER_HOST", "context"))
        return "there is no such socket", (
            f"correct {where.source}, or start the engine that listens there" if named else start
        )
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
    if "max retries exceeded" in lower and (told := re.search(r"\[Errno \d+\] ([^'\")]+)", text)):
        return told[1].strip().lower(), start
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
