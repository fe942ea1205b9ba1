"""One build by the engine, from a folder of wheels to a named image, or to nothing at all.

What is sent is made while it is sent. The build has no network, can be stopped at any moment,
and what it made on its way is removed. What goes into an image, and whether one is there
already, is `images.py`'s business.
"""

from __future__ import annotations

import os
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from autosota.server.containers import base as bases
from autosota.server.containers import retention
from autosota.server.containers.base import Base, Say
from autosota.server.containers.engine import Engine
from autosota.server.containers.labels import owner
from autosota.server.containers.walls import User
from autosota.server.containers.wheels import Wheels
from autosota.server.errors import UserError
from autosota.server.sandbox import disk
from autosota.server.sandbox.environment import redact
from autosota.server.sandbox.launch import Stop, clean

FILES = Path(__file__).with_name("image")
RECIPE = ("Dockerfile", "install.py", "finish.py")
_WORTH_TELLING = re.compile(r"Step \d+/\d+ ?: (FROM|COPY|RUN) |Installing|Success|.*error", re.I)
_CHUNK = 1 << 20
_ROOM = 4
"""An environment is on the disk as wheels, in the two stages, and once more on the way."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be built.

    Attributes:
        what: As a person calls it.
        base: The id of the image it starts from.
        who: Whom it runs as.
        tag: Its name.
        labels: What it says of itself.
        files: What is sent, by the name it has in the archive.
    """

    what: str
    base: str
    who: User
    tag: str
    labels: Mapping[str, str]
    files: Sequence[tuple[str, Path | bytes]]


def check_room(engine: Engine, base: Base, folder: Path) -> None:
    """Refuse early when the engine's disk, if it is one of ours, cannot hold the image.

    Raises:
        UserError: it is too small.
    """
    root = engine.facts.root
    if not (engine.endpoint.local and root and os.path.isdir(root)):
        return
    needed = _ROOM * disk.measure([folder / "wheels"])[0] if (folder / "wheels").exists() else 0
    there = os.statvfs(root)
    if there.f_bavail * there.f_frsize < needed:
        raise UserError(bases.disk_full(engine, f"an image on {base.name}"))


def context(folder: Path, wheels: Wheels) -> list[tuple[str, Path | bytes]]:
    """The files that are sent to the engine."""
    out: list[tuple[str, Path | bytes]] = [("Dockerfile", FILES / "Dockerfile")]
    out += [(f"build/{name}", FILES / name) for name in RECIPE if name.endswith(".py")]
    # direct references are wheels here: their names are enough
    pins = "".join(f"{pin.partition(' @ ')[0]}\n" for pin in wheels.pins)
    out.append(("build/pins.txt", pins.encode()))
    for name in ("wheels", "pip"):
        if (folder / name).is_dir():
            out += [(f"build/{name}/{f.name}", f) for f in sorted((folder / name).iterdir())]
    return out


class _Sent:
    """A tar archive of the context, made while it is sent; ends early when stopped."""

    def __init__(self, files: Sequence[tuple[str, Path | bytes]], stop: Stop | None) -> None:
        self._files, self._stop = files, stop

    def __iter__(self) -> Iterator[bytes]:
        for name, source in self._files:
            entry = tarfile.TarInfo(name)
            entry.mode = 0o644
            entry.size = len(source) if isinstance(source, bytes) else source.stat().st_size
            yield entry.tobuf()
            if isinstance(source, bytes):
                yield source
            else:
                with source.open("rb") as file:
                    while chunk := file.read(_CHUNK):
                        if self._stop is not None and self._stop.pressed:
                            raise UserError("stopped")
                        yield chunk
            yield b"\0" * (-entry.size % tarfile.BLOCKSIZE)
        yield b"\0" * 2 * tarfile.BLOCKSIZE

    def close(self) -> None:
        """The SDK closes what it sent."""


def build(engine: Engine, order: Order, say: Say, stop: Stop | None, deadline: float) -> None:
    """Let the engine build; nothing half-made is left behind.

    Args:
        engine: Builds, and keeps the image.
        order: What.
        say: Gets progress, line by line.
        stop: Ends it.
        deadline: The moment (`time.monotonic`) it must be over.

    Raises:
        UserError: it failed; the message ends with what the failing step said.
    """
    arguments = {"BASE": order.base, "RUN_AS": order.who.name, "OWNER": owner()}
    arguments["OUTSIDE"] = str(os.getuid())
    said: list[str] = []
    with retention.part(engine) as part:
        lines = bases.followed(
            engine,
            lambda client: client.api.build(
                fileobj=cast(IO[bytes], _Sent(order.files, stop)),
                custom_context=True,
                tag=order.tag,
                labels=dict(order.labels),
                buildargs={**arguments, "PART": part},
                network_mode="none",
                nocache=True,
                rm=True,
                forcerm=True,
                use_config_proxy=False,
                decode=True,
            ),
            order.what,
            stop,
            deadline,
        )
        for line in lines:
            for text in str(line.get("stream", "")).splitlines():
                if shown := redact(clean(text)):
                    if _WORTH_TELLING.match(shown):
                        say(shown)
                    said = [*said[-20:], shown]
            if why := line.get("error"):
                raise UserError(_failed(engine, order.what, said, redact(clean(str(why)))))


def _failed(engine: Engine, what: str, said: list[str], why: str) -> str:
    errors = [line for line in said if "error" in line.lower()][-3:]
    whole = "; ".join([*errors, why])
    if "no space left" in whole.lower():
        return bases.disk_full(engine, what)
    return (
        f"{what} could not be built ({whole[-600:]}); mend the requirements, or name another base "
        "in environment.image"
    )
