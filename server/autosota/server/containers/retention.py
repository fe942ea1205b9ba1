"""Which of our images go: those not used for longest, when all of them take too much room.

The engine does not know when an image was last used; a file per image on this machine does.
An image counts for what it adds to its base. Images of other users, images in use and images
that were just used stay. Parts of a build whose process died go, too. How an image is made is
not known here.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autosota.server.containers import base as bases
from autosota.server.containers.engine import Engine
from autosota.server.containers.labels import INPUTS, ROLE, alive, owner
from autosota.server.errors import UserError

BUDGET_BYTES = 20 * 2**30
IDLE_SECONDS = 3600.0
"""An image used more recently stays: another process may be about to start a container."""

ABOUT = "autosota.image"
"""JSON: `kind`, `user`, the name of the `base`, its `base_id` and `base_bytes`."""

PART = "autosota.image.part"
"""On what a build makes on its way, too: whose build, and which."""

FRESH = "fresh"
"""As hash of the inputs: an image that only its builder uses, once."""

_SETTLE_SECONDS = 10.0
_LOOK_SECONDS = 0.2
_QUIET_LOOKS = 3
_UNDER_WAY: set[str] = set()
"""The builds of this process."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An image of ours that the engine has.

    Attributes:
        id: Its hash.
        tags: Its names.
        kind: `kernel` or `run`.
        base: The name of what it was built on.
        bytes: What it adds to that.
        used: When it was last used, or made (seconds since 1970).
    """

    id: str
    tags: tuple[str, ...]
    kind: str
    base: str
    bytes: int
    used: float


@dataclass(frozen=True, slots=True)
class Collected:
    """What was removed, and what should have gone but is still in use."""

    removed: tuple[Kept, ...] = ()
    left: tuple[Kept, ...] = ()

    @property
    def bytes(self) -> int:
        """The room that was given back."""
        return sum(image.bytes for image in self.removed)

    def __str__(self) -> str:
        if not self.removed:
            return "no image removed"
        return f"{len(self.removed)} images removed ({self.bytes / 1e9:.1f} GB)"


def cache(environ: Mapping[str, str]) -> Path:
    """The folder of what we know about images."""
    home = environ.get("HOME") or str(Path.home())
    return Path(environ.get("XDG_CACHE_HOME") or Path(home, ".cache")) / "autosota" / "images"


def use(image: str, environ: Mapping[str, str]) -> None:
    """Remember that an image is used now. A disk that cannot be written costs only this."""
    folder = cache(environ) / "used"
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _bare(image)).touch()


def listed(engine: Engine, environ: Mapping[str, str] | None = None) -> tuple[Kept, ...]:
    """This user's images, the one used last first.

    Raises:
        UserError: the engine cannot be asked.
    """
    variables = os.environ if environ is None else environ
    out = [_kept(item, variables) for item in finished(engine, INPUTS)]
    return tuple(sorted(out, key=lambda image: -image.used))


def finished(engine: Engine, label: str) -> list[dict[str, Any]]:
    """This user's images with that label (`name` or `name=value`), as the engine lists them.

    Podman gives the first stage of a build the labels of the last one; that one has a role.

    Raises:
        UserError: the engine cannot be asked.
    """
    return [item for item in _ours(engine, label) if ROLE not in item["Labels"]]


def collect(
    engine: Engine,
    *,
    budget_bytes: int = BUDGET_BYTES,
    idle_seconds: float = IDLE_SECONDS,
    environ: Mapping[str, str] | None = None,
    spare: Collection[str] = (),
) -> Collected:
    """Remove the images used least recently, until the rest fits.

    Args:
        engine: Whose images.
        budget_bytes: What they may take together; 0 removes all that can be.
        idle_seconds: Those used more recently stay.
        environ: The user's variables, for the cache folder.
        spare: Ids that stay.

    Raises:
        UserError: the engine cannot be asked.
    """
    variables = os.environ if environ is None else environ
    forget_parts(engine)
    images = listed(engine, variables)
    total, now = sum(image.bytes for image in images), time.time()
    removed, left = [], []
    for image in reversed(images):
        if total <= budget_bytes:
            break
        if image.id in spare or now - image.used < idle_seconds:
            continue
        if remove(engine, image.id):
            removed.append(image)
            total -= image.bytes
            (cache(variables) / "used" / _bare(image.id)).unlink(missing_ok=True)
        else:
            left.append(image)
    return Collected(tuple(removed), tuple(left))


def remove(engine: Engine, image: str) -> bool:
    """Remove an image with all of its names; False when a container uses it.

    Raises:
        UserError: the engine cannot be asked.
    """
    from docker.errors import APIError, ImageNotFound

    with bases.told(engine, image):
        try:
            found = engine.client.images.get(image).attrs
            if engine.client.api.containers(all=True, filters={"ancestor": found["Id"]}):
                return False
            for name in found.get("RepoTags") or [found["Id"]]:
                engine.client.api.remove_image(name)
        except ImageNotFound:
            return True
        except APIError as error:
            if error.status_code != 409:  # another image or container needs it
                raise
            return False
    return True


@contextlib.contextmanager
def part(engine: Engine) -> Iterator[str]:
    """A name for what one build makes on its way; all of that is gone afterwards.

    When the line to it is cut, an engine ends the step it is at, and keeps what came of it. So
    this waits a while for that; what comes later still is removed by the next who looks.

    Raises:
        UserError: the engine cannot be asked.
    """
    name = f"{owner()}/{secrets.token_hex(4)}"
    _UNDER_WAY.add(name)
    try:
        yield name
    except BaseException:
        _UNDER_WAY.discard(name)
        with contextlib.suppress(UserError):
            _settle(engine, name)
        raise
    _UNDER_WAY.discard(name)
    forget_parts(engine)


def _settle(engine: Engine, name: str) -> None:
    deadline, quiet = time.monotonic() + _SETTLE_SECONDS, 0
    while quiet < _QUIET_LOOKS and time.monotonic() < deadline:
        with bases.told(engine, "containers"):
            at_work = engine.client.api.containers(all=True, filters={"label": f"{PART}={name}"})
        quiet = 0 if forget_parts(engine) or at_work else quiet + 1
        time.sleep(_LOOK_SECONDS)


def forget_parts(engine: Engine) -> int:
    """Remove what is left of builds that are over, ours and those of dead processes.

    Returns:
        How many images there were.

    Raises:
        UserError: the engine cannot be asked.
    """
    from docker.errors import APIError

    found = 0
    for item in _ours(engine, PART):
        name = item["Labels"][PART]
        process = name.partition("/")[0]
        inputs = None if ROLE in item["Labels"] else item["Labels"].get(INPUTS)
        dead = alive(process) is False
        over = dead or (process == owner() and name not in _UNDER_WAY)
        if (over and inputs is None) or (dead and inputs == FRESH):
            found += 1
            with bases.told(engine, "images"), contextlib.suppress(APIError):
                engine.client.api.remove_image(item["Id"], force=inputs == FRESH)
    return found


def _ours(engine: Engine, label: str) -> list[dict[str, Any]]:
    with bases.told(engine, "images"):
        found = engine.client.api.images(filters={"label": label})
    return [i for i in found if about(i.get("Labels")).get("user", os.getuid()) == os.getuid()]


def about(labels: Mapping[str, str] | None) -> dict[str, Any]:
    """What an image of ours says of itself; nothing when it says nothing, or nonsense."""
    try:
        told = json.loads((labels or {}).get(ABOUT, ""))
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _kept(item: Mapping[str, Any], environ: Mapping[str, str]) -> Kept:
    told = about(item["Labels"])
    try:
        used = (cache(environ) / "used" / _bare(item["Id"])).stat().st_mtime
    except OSError:
        used = float(item.get("Created") or 0)
    return Kept(
        item["Id"],
        tuple(t for t in item.get("RepoTags") or () if not t.startswith("<none>")),
        str(told.get("kind", "")),
        str(told.get("base", "")),
        max(0, int(item.get("Size") or 0) - int(told.get("base_bytes") or 0)),
        used,
    )


def _bare(image: str) -> str:
    return image.removeprefix("sha256:")
