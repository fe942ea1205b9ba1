"""Fixtures that any test may ask for: a real container engine and images on it.

Without an engine such a test is skipped with the reason; in CI (variable `CI`) it fails. The
script `.ci/docker-engine` makes what they need.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
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


DOCKERFILE = """
ARG BASE
FROM ${BASE}
COPY wheels /wheels
RUN python3 -m venv /opt/autosota && \
  /opt/autosota/bin/pip install --no-index --find-links /wheels ipykernel && \
  echo autosota:x:1000:1000::/home/autosota:/bin/sh >> /etc/passwd
ENV PATH=/opt/autosota/bin:$PATH
USER 1000:1000
"""


@pytest.fixture(scope="session")
def kernel_image(engine: Engine, base_image: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image that Docker kernels run in. Its interpreter is `/opt/autosota/bin/python`."""
    tag = "local/autosota-kernel:test"
    if any(tag in image.tags for image in engine.client.images.list()):
        return tag
    wheels: Path = tmp_path_factory.mktemp("wheels")
    pip = [sys.executable, "-m", "pip", "download", "-q", "--only-binary=:all:", "-d", str(wheels)]
    subprocess.run([*pip, "ipykernel"], check=True)
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        text = DOCKERFILE.encode()
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
        archive.add(wheels, "wheels")
    context.seek(0)
    engine.client.images.build(
        fileobj=context,
        custom_context=True,
        tag=tag,
        buildargs={"BASE": base_image},
        network_mode="none",
        rm=True,
        forcerm=True,
        timeout=600,
    )
    return tag
