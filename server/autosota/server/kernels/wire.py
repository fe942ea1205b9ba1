"""The five sockets between a client and a kernel, and the two files that name them.

Over ipc the sockets are files in a private folder, which is mounted into the container at a
place of its own: both ends see the same files under different names, so there is a connection
file for each end. Over tcp the engine publishes five ports. How messages look is not known here.
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from autosota.server.containers.reaper import private_folder
from autosota.server.containers.walls import User
from autosota.server.errors import UserError
from autosota.server.sandbox import disk

if TYPE_CHECKING:
    from jupyter_client.connect import KernelConnectionInfo

INSIDE = "/run/autosota"
"""Where the private folder is in a container."""

FILE = "kernel.json"
PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
TCP_INSIDE = (5001, 5002, 5003, 5004, 5005)
_LONGEST = 107
"""The longest name of a socket, in bytes (`sockaddr_un`)."""


@dataclass(frozen=True, slots=True)
class Wire:
    """How a client reaches a kernel.

    Attributes:
        transport: `ipc` or `tcp`.
        ip: The address; for ipc the start of the sockets' names.
        ports: Shell, iopub, stdin, control and heartbeat.
        key: Signs the messages.
        scheme: How.
        curve: Public and secret key of the encryption (CurveZMQ); None without.
        folder: Where the sockets and the connection file are inside.
    """

    transport: str
    ip: str
    ports: tuple[int, ...]
    key: bytes
    scheme: str = "hmac-sha256"
    curve: tuple[bytes, bytes] | None = None
    folder: str = INSIDE

    @property
    def file(self) -> str:
        """The connection file's name inside."""
        return f"{self.folder}/{FILE}"

    @property
    def info(self) -> KernelConnectionInfo:
        """As a kernel manager takes it."""
        out: dict[str, object] = {
            "transport": self.transport,
            "ip": self.ip,
            "key": self.key,
            "signature_scheme": self.scheme,
            **dict(zip(PORTS, self.ports, strict=True)),
        }
        if self.curve is not None:
            public, secret = self.curve
            out |= {"curve_publickey": public.decode(), "curve_secretkey": secret.decode()}
        return out  # type: ignore[return-value]

    @property
    def inside(self) -> str:
        """The connection file for the kernel."""
        ipc = self.transport == "ipc"
        here = replace(
            self,
            ip=f"{self.folder}/k" if ipc else "0.0.0.0",
            ports=self.ports if ipc else TCP_INSIDE,
        )
        return json.dumps({**here.info, "key": self.key.decode()})


class Meeting:
    """The private folder of one kernel, for as long as clients may reach it.

    It outlives restarts: clients come back to the same names.
    """

    def __init__(self) -> None:
        self.folder = private_folder(_short())
        self.shared = self.folder / "io"
        """What the container sees."""

    @property
    def ip(self) -> str:
        """The start of the sockets' names, out here."""
        return str(self.shared / "k")

    def open(self, who: User, wire: Wire | None = None) -> None:
        """Empty the folder and give it to the user inside, with a connection file for a kernel.

        What a dead kernel left is removed before anything is written: it may have planted links.
        """
        disk.remove(self.shared)
        self.shared.mkdir(mode=0o700)
        mine = who.outside == (os.getuid(), os.getgid())
        if wire is not None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            descriptor = os.open(self.shared / FILE, flags, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(wire.inside)
                if not mine:
                    os.fchown(descriptor, *who.outside)
        if not mine:
            os.chown(self.shared, *who.outside)

    def close(self) -> None:
        """Remove the folder; twice does no harm."""
        disk.remove(self.folder)


def ipc(meeting: Meeting, key: bytes, scheme: str, *, encrypt: bool) -> Wire:
    """A wire over files of a private folder."""
    return Wire("ipc", meeting.ip, (1, 2, 3, 4, 5), key, scheme, _pair() if encrypt else None)


def beside(shared: Path, key: bytes, scheme: str, *, encrypt: bool) -> Wire:
    """A wire over a folder of its own below one that a running container has mounted."""
    name = secrets.token_hex(4)
    pair = _pair() if encrypt else None
    return Wire(
        "ipc", str(shared / name / "k"), (1, 2, 3, 4, 5), key, scheme, pair, f"{INSIDE}/{name}"
    )


def tcp(key: bytes, scheme: str, *, encrypt: bool, ip: str = "127.0.0.1") -> Wire:
    """A wire over published ports, which the engine chooses: they are 0 until then."""
    pair = _pair() if encrypt else None
    return Wire("tcp", ip, (0, 0, 0, 0, 0), key, scheme, pair, "/tmp")


def new_key() -> bytes:
    """A key for the signatures, as jupyter_client makes them."""
    return secrets.token_hex(32).encode()


def _pair() -> tuple[bytes, bytes]:
    import zmq

    return zmq.curve_keypair()


def _short() -> Path:
    """A folder for temporary files whose name leaves room for a socket's."""
    room = _LONGEST - len("/autosota-01234567-0123456-0123456789-01234567/io/01234567/k-5")
    for place in (tempfile.gettempdir(), "/tmp"):
        if len(os.fsencode(place)) <= room and os.access(place, os.W_OK | os.X_OK):
            return Path(place)
    raise UserError(
        f"{tempfile.gettempdir()}: too long a name for sockets (at most {room} bytes); set TMPDIR "
        "to a shorter one"
    )
