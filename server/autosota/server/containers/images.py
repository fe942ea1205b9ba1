"""The images that runs and kernels use: built from a base of the user's choice, once.

An image carries the hash of what it was made of, and is used again wherever that is the same.
Packages are fetched out here (`wheels.py`); the build itself has no network. A private folder
holds what is sent to the engine, and is removed whatever happens; a lock lets one process build
an image at a time. Which old images go is `retention.py`'s business, how the engine builds is
`build.py`'s; runs are not known here.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autosota.agents.domain import Environment
from autosota.server import product_version
from autosota.server.containers import base as bases
from autosota.server.containers import retention
from autosota.server.containers.base import Base, Say
from autosota.server.containers.build import FILES, RECIPE, Order, build, check_room, context
from autosota.server.containers.engine import Engine
from autosota.server.containers.labels import INPUTS
from autosota.server.containers.reaper import private_folder, reap
from autosota.server.containers.walls import User, user
from autosota.server.containers.wheels import Fetching, fetch
from autosota.server.errors import UserError
from autosota.server.sandbox import disk
from autosota.server.sandbox.environment import locked
from autosota.server.sandbox.launch import Stop
from autosota.server.sandbox.requirements import Requirements

PYTHON = Path("/opt/autosota/bin/python")
"""The interpreter inside of an image of ours."""

BUILD_SECONDS = 3600.0
REQUEST = "autosota.image.request"
"""On images: the hash of what they were made of, but for the base."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an image is made of.

    Attributes:
        kind: `kernel` or `run`; part of its name.
        base: The name of the image it starts from.
        needed: What is installed on it.
    """

    kind: str
    base: str
    needed: Requirements


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is ready.

    Attributes:
        id: The hash of its content; containers are made of this.
        tag: The name it has for people.
        base: The name of the image it was built on.
        base_id: The hash of that.
        volumes: Places that the base declares as volumes: the engine makes them writable.
        built: Whether it was built just now.
        notes: What a person should know.
    """

    id: str
    tag: str
    base: str
    base_id: str
    volumes: tuple[str, ...] = ()
    built: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Making:
    """The limits of making an image, and who is told.

    Attributes:
        say: Gets progress, line by line.
        stop: Ends it.
        environ: The user's variables (default: this process's); only what pip needs is used.
        limit_seconds: How long a build, or waiting for another one, may take.
        fresh: Build anew, with nothing kept from before; the caller removes the image.
    """

    say: Say = lambda _: None
    stop: Stop | None = None
    environ: Mapping[str, str] | None = None
    limit_seconds: float = BUILD_SECONDS
    fresh: bool = False

    @property
    def variables(self) -> Mapping[str, str]:
        """The user's variables."""
        return os.environ if self.environ is None else self.environ


def base_image(environment: Environment) -> str:
    """The image that runs start from: the one the objective names, or one with our Python."""
    return environment.image or f"python:{sys.version_info[0]}.{sys.version_info[1]}-slim"


def kernel_recipe(base: str = "", more: Sequence[str] = ()) -> Recipe:
    """The image of a Jupyter kernel, with further requirements."""
    text = "\n".join(("ipykernel", *more)) + "\n"
    name = "requirements-of-kernel.txt"
    return Recipe("kernel", base or base_image(Environment()), Requirements(name, {name: text}))


def ensure(engine: Engine, recipe: Recipe, making: Making | None = None) -> Image:
    """Find the image of a recipe, or build it; blocks.

    Raises:
        UserError: the base or a package cannot be had, the build failed, the disk is full, it
            was stopped or took too long. The message names the base and the way out.
    """
    making = making or Making()
    deadline = time.monotonic() + making.limit_seconds
    who = user(rootless=engine.facts.rootless)
    base = bases.find(engine, recipe.base)
    request = _hash([recipe.base, *_without_base(recipe, who)])
    if base is None and (left := _existing(engine, REQUEST, request, making)):
        note = f"the image {recipe.base} is gone; one that was built from it is used"
        return replace(left, notes=(note,))
    if base is None:
        base = bases.pull(engine, recipe.base, making.say, making.stop, deadline)
    inputs = _hash([base.id, *_without_base(recipe, who)])
    if image := _existing(engine, INPUTS, inputs, making):
        return image
    cache = retention.cache(making.variables)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with locked(cache / f"{inputs}.lock", deadline, making.say, making.stop):
            if image := _existing(engine, INPUTS, inputs, making):
                return image
            image = _build(engine, recipe, base, who, inputs, request, making, deadline)
    except OSError as error:
        raise UserError(
            f"{cache}: an image cannot be prepared there ({error.strerror or error}); free some "
            "space, or set XDG_CACHE_HOME"
        ) from error
    if not making.fresh:
        retention.use(image.id, making.variables)
        retention.collect(engine, environ=making.variables, spare=(image.id,))
    return image


def _without_base(recipe: Recipe, who: User) -> list[Any]:
    """What decides how an image comes out, but for the base."""
    texts = [(FILES / name).read_text("utf-8") for name in RECIPE]
    needed = recipe.needed
    files = sorted(needed.files.items()) if needed.main else []
    return [1, product_version(), *texts, recipe.kind, needed.main, files, who.name]


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def _existing(engine: Engine, label: str, value: str, making: Making) -> Image | None:
    """The newest image with that label, which is there only when the build came to its end."""
    if making.fresh:
        return None
    found = retention.finished(engine, f"{label}={value}")
    if not found:
        return None
    newest = max(found, key=lambda item: int(item.get("Created") or 0))
    retention.use(newest["Id"], making.variables)
    return _image(engine, newest["Id"])


def _image(engine: Engine, name: str, built: bool = False, notes: tuple[str, ...] = ()) -> Image:
    with bases.told(engine, name):
        told = engine.client.images.get(name).attrs
    config = told["Config"]
    volumes = tuple(sorted(config.get("Volumes") or {}))
    about = retention.about(config["Labels"])
    tag = ([*(told.get("RepoTags") or ()), told["Id"]])[0]
    return Image(told["Id"], tag, about["base"], about["base_id"], volumes, built, notes)


def _build(
    engine: Engine,
    recipe: Recipe,
    base: Base,
    who: User,
    inputs: str,
    request: str,
    making: Making,
    deadline: float,
) -> Image:
    making.say(f"building the image of {recipe.kind}s on {base.name}")
    target = bases.describe(engine, base, who)
    place = retention.cache(making.variables) / "building"
    place.mkdir(exist_ok=True)
    reap(None, place)
    folder = private_folder(place)
    try:
        how = Fetching(folder, making.variables, making.say, making.stop, deadline)
        record = place.parent / f"{_hash([base.id, recipe.needed.main, _files(recipe)])}.pins"
        known = [] if making.fresh else _lines(record)
        wheels = fetch(recipe.needed, target, how, known)
        check_room(engine, base, folder)
        name = f"fresh-{secrets.token_hex(4)}" if making.fresh else inputs[:16]
        tag = f"autosota/{recipe.kind}:{name}"
        about = {
            "kind": recipe.kind,
            "base": base.name,
            "base_id": base.id,
            "base_bytes": base.bytes,
            "user": os.getuid(),
            "wheels": _hash(sorted(wheels.files.items())),
        }
        labels = {
            INPUTS: retention.FRESH if making.fresh else inputs,
            REQUEST: "" if making.fresh else request,
            retention.ABOUT: json.dumps(about),
        }
        what = f"the image of {recipe.kind}s on {base.name}"
        order = Order(what, base.id, who, tag, labels, context(folder, wheels))
        build(engine, order, making.say, making.stop, deadline)
        if not making.fresh:
            part = record.with_suffix(f".{os.getpid()}.part")
            part.write_text("".join(f"{pin}\n" for pin in wheels.pins), encoding="utf-8")
            os.replace(part, record)
    finally:
        disk.remove(folder)
    notes = tuple(f"{name} has no wheel and was built on this machine" for name in wheels.built)
    return _image(engine, tag, built=True, notes=notes)


def _files(recipe: Recipe) -> list[tuple[str, str]]:
    return sorted(recipe.needed.files.items()) if recipe.needed.main else []


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
