"""Whole campaigns with every run in a container: sealed, resumed after a kill, refused in words."""

from __future__ import annotations

import io
import os
import signal
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.campaign.conftest import LEARNER, Repository, last_line, make_repository

from autosota.agents.domain import Isolation, Outcome, Purpose
from autosota.server.containers.engine import Engine
from autosota.server.containers.images import base_image as usual_base
from autosota.server.containers.labels import SCRATCH
from autosota.server.ledger.store import Ledger

pytestmark = pytest.mark.campaign
IMAGE = "local/standin:test"
DOCKERFILE = """
ARG BASE
FROM ${BASE}
COPY sklearn /usr/lib/python3/dist-packages/sklearn
"""


@pytest.fixture(scope="module")
def standin(engine: Engine, base_image: str) -> str:
    """A base image whose scikit-learn is the stand-in of thirty lines."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, text in {
            "Dockerfile": DOCKERFILE,
            "sklearn/__init__.py": "",
            "sklearn/linear_model.py": LEARNER,
        }.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    data.seek(0)
    engine.client.images.build(
        fileobj=data,
        custom_context=True,
        tag=IMAGE,
        buildargs={"BASE": base_image},
        network_mode="none",
        rm=True,
        timeout=120,
    )
    return IMAGE


@pytest.fixture
def repository(tmp_path, standin: str) -> Iterator[Repository]:
    made = make_repository(tmp_path / "repo")
    objective = made.root / "autosota.toml"
    lines = [
        f'image = "{standin}"\nrequirements = []' if line.startswith("python =") else line
        for line in objective.read_text().splitlines()
    ]
    objective.write_text("\n".join(lines) + "\n")
    yield made


def receipts(repository: Repository) -> list:
    with Ledger(repository.root / ".autosota" / "ledger.sqlite", read_only=True) as ledger:
        runs = [e.run_id for e in ledger.events("c1") if e.kind == "run_finished"]
        return [ledger.receipt(run) for run in runs]


def left(engine: Engine, repository: Repository, status: str = "") -> list[str]:
    wanted = {"label": "autosota.run", **({"status": status} if status else {})}
    listed = engine.client.api.containers(all=True, filters=wanted)
    told = {c["Id"]: c["Labels"].get("autosota.run") or "" for c in listed}
    return [i for i, t in told.items() if str(repository.root) in t and t.endswith("/out")]


def test_a_campaign_in_containers_is_sealed_and_survives_kills(repository, engine):
    before = repository.fingerprint()
    process = repository.start("run", "--sandbox", "docker", quiet=True)
    ledger = repository.root / ".autosota" / "ledger.sqlite"
    deadline = time.monotonic() + 120
    while not left(engine, repository):  # a run is in its container
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert ledger.exists()
    done = repository.autosota("resume", "--json", timeout=280)
    last = last_line(done.stdout)
    assert (done.returncode, last["verdict"], last["isolation"]) == (0, "confirmed", "sealed")
    held = receipts(repository)
    image = engine.client.images.get(held[0].image).id
    # a control builds the image anew: another image, the same environment
    assert {r.image for r in held if r.purpose is not Purpose.CONTROL} == {image}
    assert {r.environment_hash for r in held} == {held[0].environment_hash}
    assert {r.sandbox for r in held} == {f"docker {engine.facts.version}"}
    assert all(r.isolation is Isolation.SEALED for r in held)
    assert {r.outcome for r in held if r.purpose is not Purpose.SEARCH} == {Outcome.OK}
    assert left(engine, repository) == []
    assert repository.fingerprint() == before
    checked = repository.autosota("verify")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_container_removed_by_hand_stops_the_campaign_and_resume_repeats_the_run(
    repository, engine
):
    train = repository.root / "train.py"
    train.write_text("import time\n\ntime.sleep(2)\n" + train.read_text())
    process = repository.start("run", "--sandbox", "docker", "--max-evaluations", "4")
    deadline = time.monotonic() + 120
    while not (found := left(engine, repository, "running")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    told = engine.client.api.inspect_container(found[0])["Config"]["Labels"]
    streams = Path(told[SCRATCH], "streams")
    while any(streams.iterdir()):  # unlinked when the command may start; before, nothing is lost
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    engine.client.api.remove_container(found[0], force=True)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 2, told
    assert "was lost in mid-run" in told and "autosota resume" in told
    done = repository.autosota("resume", "--json", timeout=280)
    assert last_line(done.stdout)["verdict"] in ("no_gain", "provisional")
    held = receipts(repository)
    assert len({r.run_id for r in held}) == len(held) == last_line(done.stdout)["evaluations"]


def test_what_containers_cannot_do_is_one_line(repository, tmp_path, monkeypatch):
    for host, told in (
        ("unix:///nowhere/docker.sock", "there is no such socket"),
        ("nonsense", "is no address of an engine"),
    ):
        monkeypatch.setenv("DOCKER_HOST", host)
        done = repository.autosota("run", "--sandbox", "docker")
        lines = [line for line in done.stderr.splitlines() if "autosota: " in line]
        assert done.returncode == 2 and told in lines[-1] and "--sandbox local" in lines[-1]
    objective = repository.root / "autosota.toml"
    objective.write_text(objective.read_text().replace("image =", 'python = "python3"\nimage ='))
    done = repository.autosota("run", "--sandbox", "docker", "--new")
    assert done.returncode == 2
    assert "environment.python = 'python3' is an interpreter of this machine" in done.stderr


@pytest.mark.bwrap
def test_auto_says_what_it_takes_and_never_fetches(repository, engine, base_image):
    done = repository.autosota("run", "--json", "--max-evaluations", "3", timeout=280)
    text = done.stdout + done.stderr
    assert "every run gets a fresh container of Docker" in text
    assert "does not protect from flaws of the kernel" in text
    other = make_repository(repository.root.parent / "other")
    objective = other.root / "autosota.toml"
    objective.write_text(
        "\n".join(
            line for line in objective.read_text().splitlines() if not line.startswith("python =")
        )
        + "\n"
    )
    if engine.has_image(usual_base(plain_environment())):
        return  # a machine that has it already uses it, and that was shown above
    done = other.autosota("run", "--max-evaluations", "3", timeout=280)
    text = done.stdout + done.stderr
    assert "is not used: it has no image python:3." in text and "docker pull" in text
    assert "runs are isolated by bubblewrap" in text


def plain_environment():
    from autosota.agents.domain import Environment

    return Environment()
