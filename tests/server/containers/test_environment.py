"""The environment of runs in containers: what is in it, and that it comes back the same."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.domain import Environment, Objective
from autosota.server.containers import images, retention
from autosota.server.containers.engine import Engine
from autosota.server.containers.environment import prepare_image, rebuilt_image
from autosota.server.errors import UserError
from autosota.server.sandbox.permute import ControlNotPossible

EMPTY = MemoryTree({})


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    return {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}


@pytest.fixture
def clean(engine: Engine) -> Iterator[list[str]]:
    made: list[str] = []
    yield made
    for image in made:
        retention.remove(engine, image)


def never_asked() -> str:
    """A requirement that makes an objective one that no image was made for."""
    return f"six!=0.0.{secrets.randbelow(10**9)}"


def derived(engine: Engine, base: str, *changes: str) -> str:
    """A base that differs from another one in what it says of itself only."""
    name = f"local/autosota-derived:{secrets.token_hex(4)}"
    container = engine.client.containers.create(base, ["true"], network_mode="none")
    try:
        container.commit(*name.split(":"), changes="\n".join(changes))
    finally:
        container.remove(force=True)
    return name


def objective(image: str, *lines: str) -> Objective:
    return Objective(
        command="python train.py",
        metric="m",
        select_on="m",
        environment=Environment(image=image, requirements=lines),
    )


def test_what_the_objective_asks_for_is_in_the_image(engine, base_image, environ, clean):
    wanted = objective(base_image, never_asked())
    ready = prepare_image(wanted, EMPTY, engine, environ=environ)
    clean.append(ready.image)
    assert ready.python == images.PYTHON and ready.folders == ()
    assert engine.client.images.get(ready.image).id == ready.image
    code = "import six, platform; print(six.__version__, platform.python_version())"
    out = engine.client.containers.run(
        ready.image, [str(ready.python), "-c", code], remove=True, network_mode="none"
    )
    assert out.decode().split() == [ready.interpreter.packages["six"], ready.interpreter.version]
    assert "pip" in ready.interpreter.packages  # the base's own are seen, and hashed
    again = prepare_image(wanted, EMPTY, engine, environ=environ)
    assert (again.hash, again.image) == (ready.hash, ready.image)


def test_an_image_that_was_removed_comes_back_with_the_same_packages(
    engine, base_image, environ, clean
):
    """Even when a newer version could be had by then: six 1.16 was the newest for the first."""
    wanted = objective(base_image, never_asked())
    (old := Path(environ["XDG_CACHE_HOME"]).parent / "old.txt").write_text("six==1.16.0\n")
    first = prepare_image(wanted, EMPTY, engine, environ={**environ, "PIP_CONSTRAINT": str(old)})
    clean.append(first.image)
    assert first.interpreter.packages["six"] == "1.16.0"
    assert retention.remove(engine, first.image)
    second = prepare_image(wanted, EMPTY, engine, environ=environ, expected=first.hash)
    clean.append(second.image)
    assert second.hash == first.hash and second.image != first.image

    assert retention.remove(engine, second.image)
    for record in retention.cache(environ).glob("*.pins"):
        record.unlink()
    with pytest.raises(UserError) as caught:
        prepare_image(wanted, EMPTY, engine, environ=environ, expected=first.hash)
    assert "six 1." in str(caught.value) and ", was 1.16.0" in str(caught.value)
    name = str(caught.value).split()[2]
    assert engine.has_image(name)
    clean.append(name)


def test_the_base_is_part_of_the_hash(engine, base_image, environ, clean):
    hashes = []
    for number in ("1", "2"):
        base = derived(engine, base_image, f"LABEL number={number}")
        clean.append(base)
        ready = prepare_image(objective(base), EMPTY, engine, environ=environ)
        clean.insert(0, ready.image)
        hashes.append((ready.hash, sorted(ready.interpreter.packages.items())))
    assert hashes[0][1] == hashes[1][1] and hashes[0][0] != hashes[1][0]


def test_volumes_of_a_base_are_told(engine, base_image, environ, clean):
    base = derived(engine, base_image, "VOLUME /models")
    clean.append(base)
    ready = prepare_image(objective(base), EMPTY, engine, environ=environ)
    clean.insert(0, ready.image)
    assert any("/models" in note and base in note for note in ready.notes)
    assert any("no requirements found" in note for note in ready.notes)


def test_a_fresh_image_has_the_same_hash_and_is_gone_afterwards(engine, base_image, environ, clean):
    wanted = objective(base_image, never_asked())
    ready = prepare_image(wanted, EMPTY, engine, environ=environ)
    clean.append(ready.image)
    with rebuilt_image(wanted, EMPTY, engine, environ=environ) as fresh:
        assert fresh.hash == ready.hash and fresh.image != ready.image
        assert engine.has_image(fresh.image)
        # nobody else takes it for the real one
        assert prepare_image(wanted, EMPTY, engine, environ=environ).image == ready.image
    assert not engine.has_image(fresh.image) and engine.has_image(ready.image)


def test_a_fresh_image_that_cannot_be_built_is_a_control_that_did_not_run(
    engine, base_image, environ
):
    wanted = objective(base_image, "no-such-package-of-autosota")
    with (
        pytest.raises(ControlNotPossible, match="no-such-package-of-autosota"),
        rebuilt_image(wanted, EMPTY, engine, environ=environ),
    ):
        pass


def test_without_an_image_the_base_has_our_python():
    import sys

    name = images.base_image(Environment())
    assert name == f"python:{sys.version_info[0]}.{sys.version_info[1]}-slim"
    assert images.base_image(replace(Environment(), image="mine:1")) == "mine:1"
