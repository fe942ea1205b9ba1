"""Whether containers see this machine's files: tried, because no engine says so.

A remote engine mounts other files, and one in a virtual machine shows ours, but pipes and
sockets in them do not connect. So a container writes into a named pipe that we read.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from autosota.server.containers.labels import Role, labels
from autosota.server.containers.walls import user, walls
from autosota.server.errors import UserError

if TYPE_CHECKING:
    from docker.models.containers import Container

    from autosota.server.containers.engine import Engine

PROBE_SECONDS = 10.0


def why_not(engine: Engine, image: str, place: Path) -> str:
    """Why containers do not see the files of a folder; empty when they do.

    Raises:
        UserError: the folder is not writable, the image is not there, or the container cannot
            be started at all.
    """
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
        if container is not None and container.id:
            with contextlib.suppress(UserError):  # the reaper tries again
                engine.discard(container.id)
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
