"""Fixtures that any test may ask for: a real container engine and images on it.

Without an engine such a test is skipped with the reason; in CI (variable `CI`) it fails. The
script `.ci/docker-engine` makes what they need.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn

import pytest

from autosota.server.errors import UserError

if TYPE_CHECKING:
    from autosota.server.containers.engine import Engine

BASE = os.environ.get("AUTOSOTA_TEST_IMAGE", "local/python:test")


def missing(why: str) -> NoReturn:
    """Skip the test that needs this, or fail it in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"needed in CI: {why}", pytrace=False)
    pytest.skip(why)


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The engine of this user, connected once."""
    from autosota.server.containers.engine import Engine

    try:
        found = Engine.connect()
    except UserError as error:
        missing(str(error))
    with found:
        yield found


@pytest.fixture(scope="session")
def base_image(engine: Engine) -> str:
    """A plain image with Python, pip and venv, and nothing of ours."""
    from docker.errors import ImageNotFound

    try:
        engine.client.images.get(BASE)
    except ImageNotFound:
        missing(f"there is no image {BASE}: run .ci/docker-engine, or set AUTOSOTA_TEST_IMAGE")
    return BASE


@pytest.fixture(scope="session")
def kernel_image(engine: Engine, base_image: str) -> str:
    """The image that Docker kernels run in. Its interpreter is `/opt/autosota/bin/python`."""
    from autosota.server.containers import images

    return images.ensure(engine, images.kernel_recipe(base_image)).tag
