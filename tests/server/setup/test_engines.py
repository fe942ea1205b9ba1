"""What the doctor says of container engines: real ones, none, and ones that hang."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from autosota.agents.domain import Environment
from autosota.server.containers.engine import Endpoint, Engine
from autosota.server.setup import engines, machine
from autosota.server.setup.checks import Check
from autosota.server.setup.doctor import diagnose
from autosota.server.setup.engines import Look

DOCKER = Environment(sandbox="docker")


@pytest.fixture
def at(monkeypatch):
    """Lets the doctor look at an address, as a user says it."""

    def say(url: str) -> None:
        monkeypatch.setenv("DOCKER_HOST", url)

    return say


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A user without any container engine."""
    from autosota.server.containers import endpoint

    monkeypatch.setattr(endpoint, "_SYSTEM_SOCKETS", ())
    monkeypatch.setattr(endpoint, "_PODMAN_SOCKETS", ())
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "CONTAINER_HOST", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def look(environment: Environment | None = None, **more: bool) -> dict[str, Check]:
    found = Look(environment or Environment(), **more).start().ended()
    for check in found:
        assert "\n" not in check.detail + check.fix
        assert bool(check.fix) == (check.state != "ok"), check
    return {c.name: c for c in found}


def test_a_user_without_an_engine_is_not_bothered_unless_it_is_wanted(nowhere):
    found = look()
    assert list(found) == [engines.NAME] and found[engines.NAME].state == "ok"
    assert "runs work without" in found[engines.NAME].detail
    wanted = look(DOCKER)[engines.NAME]
    assert wanted.state == "fail" and "install" in wanted.fix


def test_an_engine_that_hangs_costs_two_seconds_at_most(tmp_path, at):
    """A socket that takes calls and never answers."""
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "hang.sock"))
        one.listen(8)
        at(f"unix://{tmp_path}/hang.sock")
        began = time.monotonic()
        found = look()[engines.NAME]
        assert time.monotonic() - began < 2.0
        assert found.state == "warn" and "no answer within 1.5 s" in found.detail
        assert "systemctl restart docker" in found.fix and "hang.sock" in found.detail
        assert look(DOCKER)[engines.NAME].state == "fail"
        # the rest of the doctor is looked at meanwhile
        alone = time.monotonic()
        checks = diagnose(None)
        assert time.monotonic() - alone < 4.0
        assert {c.name for c in checks} >= {"Python", "git", engines.NAME}


def test_a_name_that_resolves_for_ever_is_left_behind(monkeypatch):
    """Names are looked up without any limit of ours."""
    from autosota.server.containers.engine import EngineUnavailable

    released = threading.Event()

    def slow(*_: object) -> None:
        released.wait(20)
        raise EngineUnavailable("too late", "nothing")

    monkeypatch.setattr(engines, "SECONDS", 0.2)
    monkeypatch.setattr(engines, "find_endpoint", slow)
    began = time.monotonic()
    found = look()[engines.NAME]
    released.set()
    assert time.monotonic() - began < 1.0 and "does not answer within 0.2 s" in found.detail


def test_each_way_not_to_be_there_has_its_fix(tmp_path, at):
    for url, detail, fix in (
        (
            f"unix://{tmp_path}/gone.sock",
            "no such socket",
            "correct DOCKER_HOST, or start the engine",
        ),
        ("tcp://127.0.0.1:1", "nothing listens there", "DOCKER_HOST"),
        ("banana", "no address of an engine", "unix:///path/to/socket"),
    ):
        at(url)
        found = look()[engines.NAME]
        assert found.state == "warn" and detail in found.detail and fix in found.fix


def test_a_real_engine_is_told_of(engine, base_image, at):
    at(engine.endpoint.url)
    here = Environment(image=base_image)
    looked = Look(here).start()
    found = {c.name: c for c in looked.ended()}
    assert list(found) == [engines.NAME, *(f"container {n}" for n in
        ("image", "GPUs", "disk", "limits", "users"))]  # fmt: skip
    assert found[engines.NAME].state == "ok" and engine.endpoint.url in found[engines.NAME].detail
    assert engine.facts.version in found[engines.NAME].detail
    assert found["container image"].state == "ok" and base_image in found["container image"].detail
    assert f"version {engine.facts.cgroup}" in found["container limits"].detail
    assert "GiB free" in found["container disk"].detail
    assert looked.usable
    # an interpreter of this machine, or the user's word, keeps runs out of containers
    for kept in (replace(here, python="/usr/bin/python3"), replace(here, sandbox="local")):
        again = Look(kept).start()
        again.ended()
        assert not again.usable
    missing = Look(Environment(image="local/nothing:here")).start()
    image = {c.name: c for c in missing.ended()}["container image"]
    assert image.state == "warn" and image.fix.endswith("pull local/nothing:here")
    assert not missing.usable
    assert look(replace(DOCKER, image="local/nothing:here"))["container image"].state == "fail"


def test_an_engine_stopped_in_the_middle_of_the_look(engine, at, monkeypatch):
    """Everything after the first answer fails; each is told, and nothing is raised."""
    at(engine.endpoint.url)
    from autosota.server.containers.engine import EngineUnavailable

    def gone(*_: object) -> bool:
        raise EngineUnavailable("no answer", "start it", engine.endpoint)

    monkeypatch.setattr(engines.Engine, "has_image", gone)
    found = look()
    assert "no answer" in found["container image"].detail
    assert found["container limits"].state == "ok"


@pytest.fixture
def seen(engine, monkeypatch):
    """What is said of the engine here when it says something else of itself."""

    def tell(
        what: str, environment: Environment | None = None, /, gpus: bool = False, **facts: object
    ) -> Check:
        where = facts.pop("endpoint", engine.endpoint)
        other = Engine(where, engine.client, replace(engine.facts, **facts))  # type: ignore[arg-type]
        one = Look(environment or Environment(), gpus=gpus)
        if what == "engine":
            return one._engine(other)
        return {c.name: c for c in one._about(other)}[f"container {what}"]

    return tell


def test_engines_elsewhere_and_in_virtual_machines(seen):
    far = Endpoint("tcp://lab:2375", "DOCKER_HOST", False)
    assert seen("engine", endpoint=far).state == "warn"
    assert seen("engine", DOCKER, endpoint=far).state == "fail"
    assert "tcp://lab:2375 (DOCKER_HOST)" in seen("engine", endpoint=far).detail
    assert "virtual machine" in seen("engine", system="Docker Desktop").detail


def test_limits_that_are_not_there(seen):
    assert seen("limits").state == "ok"
    found = seen("limits", swap_limit=False)
    assert (
        found.state == "warn" and "no limit on swap" in found.detail and "swapaccount" in found.fix
    )
    old = {"rootless": True, "memory_limit": False, "swap_limit": False, "pids_limit": False}
    found = seen("limits", cgroup=1, **old)
    assert "memory, swap, processes (rootless)" in found.detail
    assert "unified_cgroup_hierarchy" in found.fix
    assert "Delegate" in seen("limits", cgroup=2, **old).fix


def test_users(seen):
    assert "rootless" in seen("users", rootless=True).detail
    assert "userns-remap" in seen("users", remapped=True, rootless=False).detail
    assert "as good as root" in seen("users", rootless=False).detail


def test_gpus(seen, tmp_path, monkeypatch):
    bare = {"runtimes": ("runc",), "cdi_dirs": (str(tmp_path),), "name": "docker"}
    if not Path("/dev/kfd").exists():
        assert seen("GPUs", **bare).state == "ok"
        found = seen("GPUs", gpus=True, **bare)
        assert found.state == "warn" and "nvidia-ctk runtime configure" in found.fix
        wanted = replace(DOCKER, gpus=2)
        assert seen("GPUs", wanted, **bare).state == "fail"
        assert seen("GPUs", replace(wanted, sandbox="auto"), **bare).state == "warn"
    assert "runtime is there" in seen("GPUs", gpus=True, **{**bare, "runtimes": ("nvidia",)}).detail
    (tmp_path / "nvidia.yaml").write_text("kind: nvidia.com/gpu\n")
    assert "CDI" in seen("GPUs", gpus=True, **bare).detail
    assert machine.describes_gpus(tmp_path) and not machine.describes_gpus(tmp_path / "no")


def test_the_disk_of_the_engine(seen, monkeypatch):
    assert seen("disk", root="/not/there/at/all").state == "ok"  # asked of the folder above
    monkeypatch.setattr(engines, "_LEAST_DISK", 2**60)
    found = seen("disk")
    assert found.state == "warn" and found.fix.startswith("docker image prune")
