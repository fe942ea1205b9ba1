"""The environment of a campaign whose runs are in containers: an image with its packages.

The counterpart of `sandbox/environment.py`: same question, same answer. The interpreter is a
path inside of the image, and the hash covers what that interpreter holds, and the base under
it, as asked in a container. How images are made is `images.py`'s business.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from autosota.agents.domain import Objective
from autosota.agents.protocols import Tree
from autosota.server.containers import base as bases
from autosota.server.containers import images, retention
from autosota.server.containers.engine import Engine
from autosota.server.containers.images import PYTHON, Image, Making, Recipe
from autosota.server.containers.walls import user
from autosota.server.errors import UserError
from autosota.server.sandbox import interpreter, requirements
from autosota.server.sandbox.environment import PreparedEnvironment, digest_of
from autosota.server.sandbox.interpreter import Interpreter
from autosota.server.sandbox.launch import Stop
from autosota.server.sandbox.permute import ControlNotPossible


def prepare_image(
    objective: Objective,
    tree: Tree,
    engine: Engine,
    on_line: Callable[[str], None] | None = None,
    *,
    stop: Stop | None = None,
    environ: Mapping[str, str] | None = None,
    limit_seconds: float = images.BUILD_SECONDS,
    expected: str = "",
) -> PreparedEnvironment:
    """Find or build the image of an objective; blocks while it is built.

    Args:
        objective: Names a base image, or none, and requirements.
        tree: The base commit, whose requirement files count.
        engine: Builds and keeps the image.
        on_line: Gets progress, line by line.
        stop: Ends a build.
        environ: The user's variables (default: this process's); only what pip needs is used.
        limit_seconds: How long a build, or waiting for another one, may take.
        expected: The hash it must have, when runs have been made in it before.

    Raises:
        UserError: a package or the base cannot be had, the build failed, or the environment is
            another one than expected.
    """
    making = Making(on_line or (lambda _: None), stop, environ, limit_seconds)
    recipe, notes = _recipe(objective, tree)
    image = images.ensure(engine, recipe, making)
    prepared = _inspected(engine, image, notes, making.variables)
    if expected and prepared.hash != expected:
        changes = _changes(expected, prepared.hash, making.variables)
        raise UserError(
            f"the image {image.tag} is not the environment that earlier runs had ({changes}); "
            "start a new campaign, or bring back the image or the packages it had"
        )
    return prepared


@contextlib.contextmanager
def rebuilt_image(
    objective: Objective,
    tree: Tree,
    engine: Engine,
    on_line: Callable[[str], None] | None = None,
    *,
    stop: Stop | None = None,
    environ: Mapping[str, str] | None = None,
    limit_seconds: float = images.BUILD_SECONDS,
) -> Iterator[PreparedEnvironment]:
    """The image built once more with nothing kept from before, while the body runs.

    The arguments are those of `prepare_image`.

    Raises:
        ControlNotPossible: it cannot be built.
    """
    variables = {**(os.environ if environ is None else environ), "PIP_NO_CACHE_DIR": "1"}
    making = Making(on_line or (lambda _: None), stop, variables, limit_seconds, fresh=True)
    recipe, notes = _recipe(objective, tree)
    image = None
    try:
        try:
            image = images.ensure(engine, recipe, making)
            prepared = _inspected(engine, image, notes, making.variables)
        except UserError as error:
            raise ControlNotPossible(f"no fresh environment: {error}") from error
        yield prepared
    finally:
        if image is not None:
            with contextlib.suppress(UserError):
                retention.remove(engine, image.id)


def _recipe(objective: Objective, tree: Tree) -> tuple[Recipe, tuple[str, ...]]:
    needed = requirements.gather(objective.environment, tree)
    return Recipe("run", images.base_image(objective.environment), needed), needed.notes


def _inspected(
    engine: Engine, image: Image, notes: tuple[str, ...], environ: Mapping[str, str]
) -> PreparedEnvironment:
    """What the interpreter of an image holds, asked in a container with no network."""
    who = user(rootless=engine.facts.rootless)
    words = [str(PYTHON), "-I", "-c", interpreter.QUESTION]
    code, out, error = bases.ask(engine, image.id, words, who)
    try:
        if code:
            raise ValueError(error or f"exit code {code}")
        found = interpreter.understood(out)
    except (ValueError, LookupError, TypeError) as problem:
        raise UserError(
            f"the image {image.tag} has no Python that can be run ({problem}); remove it "
            f"(`docker image rm {image.tag}`), it is built anew"
        ) from problem
    notes += image.notes
    if image.volumes:
        notes += (
            f"the image {image.base} declares {', '.join(image.volumes)} as volumes, which the "
            "engine makes writable; what runs write there is lost",
        )
    digest = digest_of(found, image.base_id)
    _remember(digest, found, image, environ)
    return PreparedEnvironment(PYTHON, (), digest, found, notes, image.id)


def _remember(digest: str, found: Interpreter, image: Image, environ: Mapping[str, str]) -> None:
    """Write down what a hash stands for, to be able to say what changed."""
    path = _record(digest, environ)
    told = {"base": image.base_id, "python": found.version, "packages": dict(found.packages)}
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(told), encoding="utf-8")
        os.replace(part, path)


def _changes(expected: str, found: str, environ: Mapping[str, str]) -> str:
    """What differs between two environments, as far as it was written down."""
    try:
        was, now = (json.loads(_record(d, environ).read_bytes()) for d in (expected, found))
        before, after = was["packages"], now["packages"]
        changed = [
            f"{name} {after.get(name, 'is missing')}, was {before.get(name, 'missing')}"
            for name in sorted({*before, *after})
            if before.get(name) != after.get(name)
        ]
        if was["python"] != now["python"]:
            changed.insert(0, f"Python {now['python']}, was {was['python']}")
        if was["base"] != now["base"]:
            changed.insert(0, f"the base is {now['base'][:19]}, was {was['base'][:19]}")
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return "what it had then was not kept"
    more = f" and {len(changed) - 5} more" if len(changed) > 5 else ""
    return "; ".join(changed[:5]) + more


def _record(digest: str, environ: Mapping[str, str]) -> Path:
    return retention.cache(environ) / "environments" / f"{digest}.json"
