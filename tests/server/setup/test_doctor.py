"""The doctor, with real programs on a PATH of our own."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from autosota.server.sandbox import bubblewrap
from autosota.server.setup import doctor, machine
from autosota.server.setup.doctor import Check, diagnose

NAMES = ["Python", "git", "bubblewrap", "cores", "memory", "disk", "GPUs", "container engine",
         "network", "Optuna", "model key", "state", "SQLite", "objective"]  # fmt: skip
OF_ENGINE = ["container image", "container GPUs", "container disk", "container limits",
             "container users"]  # fmt: skip
GOOD = '[objective]\ncommand = "python t.py {seed}"\nmetric = "acc"\nselect_on = "val_acc"\n'


@pytest.fixture(autouse=True)
def fresh_probe():
    bubblewrap.probe.cache_clear()
    yield
    bubblewrap.probe.cache_clear()


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


@pytest.fixture
def path(tmp_path, monkeypatch):
    """An empty PATH, and a way to put programs on it."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))

    def put(name: str, script: str) -> None:
        file = programs / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)

    return put


def look(root: Path | None, name: str) -> Check:
    return next(c for c in diagnose(root) if c.name == name)


def objective(root: Path, more: str = "") -> Path:
    (root / "autosota.toml").write_text(GOOD + more)
    return root


def test_every_check_is_one_line_and_says_what_fixes_it(tmp_path):
    before = sorted(tmp_path.iterdir())
    checks = diagnose(tmp_path)
    assert [c.name for c in checks if c.name not in OF_ENGINE] == NAMES
    for check in checks:
        assert "\n" not in check.detail + check.fix and check.detail
        assert bool(check.fix) == (check.state != "ok"), check
    assert sorted(tmp_path.iterdir()) == before


def test_without_a_workspace():
    checks = diagnose(None)
    kept = [c.name for c in checks if c.name not in OF_ENGINE]
    assert kept == [n for n in NAMES if n not in ("state", "objective")]


def test_git_missing_broken_and_old(path, tmp_path):
    found = look(None, "git")
    assert found.state == "fail" and "not on the PATH" in found.detail
    path("apt-get", "")
    assert "apt-get install git" in look(None, "git").fix
    path("git", "echo 'git version 2.17.1'")
    found = look(None, "git")
    assert (found.state, found.detail) == ("fail", "2.17.1 is too old")
    path("git", "echo broken >&2; exit 3")
    assert look(None, "git").detail.endswith("git: broken")
    path("git", "echo 'git version 2.39.5 (Apple Git-154)'")
    assert look(None, "git") == Check("git", "ok", "2.39.5")


def test_bubblewrap_missing_and_not_working(path, nowhere):
    path("apt-get", "")
    found = look(None, "bubblewrap")
    assert found.state == "warn" and "declared" in found.detail
    assert found.fix.endswith("apt-get install bubblewrap")
    # Without walls nothing keeps a run from the network, and the doctor must not say so.
    assert look(None, "network").state == "warn"
    bubblewrap.probe.cache_clear()
    path("bwrap", "[ $1 = --version ] && echo 'bubblewrap 0.8.0' || { echo no >&2; exit 1; }")
    found = look(None, "bubblewrap")
    assert found.state == "warn" and found.fix and "apt-get" not in found.fix


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("apparmor_restrict_unprivileged_userns", "1", "apparmor_restrict_unprivileged_userns=0"),
        ("unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    ],
)
def test_the_sysctl_that_lets_bubblewrap_work(tmp_path, monkeypatch, name, value, fix):
    monkeypatch.setattr(machine, "_SYSCTL", tmp_path)
    (tmp_path / name).write_text(f"{value}\n")
    assert fix in machine.bubblewrap_fix(installed=True)


@pytest.mark.bwrap
def test_bubblewrap_works_here():
    if not bubblewrap.probe().works:
        pytest.skip("no bubblewrap")
    assert look(None, "bubblewrap").state == "ok"
    assert look(None, "network").state == "ok"


SMI = "echo 'NVIDIA H100 80GB HBM3, 81559 MiB, 550.54.15'"


def test_gpus(path, tmp_path):
    assert look(None, "GPUs") == Check("GPUs", "ok", "none found: runs use the processor")
    root = objective(tmp_path, "[environment]\ngpus = 2\n")
    assert look(root, "GPUs").state == "fail"
    path("nvidia-smi", SMI)
    found = look(root, "GPUs")
    assert found.state == "fail" and "H100" in found.detail and "1 or less" in found.fix
    path("nvidia-smi", f"{SMI}; {SMI}")
    assert "visible in runs" in look(root, "GPUs").detail
    assert "do not see them" in look(None, "GPUs").detail
    path("nvidia-smi", "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18")
    found = look(root, "GPUs")
    assert found.state == "fail" and "version mismatch" in found.detail
    assert look(None, "GPUs").state == "warn"


def test_a_program_that_hangs_is_left_behind(path):
    path("hang", "exec /bin/sleep 60")
    began = time.monotonic()
    told = machine.ask(["hang"], seconds=0.3)
    assert "no answer within 0.3 s" in told.problem
    assert time.monotonic() - began < 30


def test_the_key_is_never_shown(monkeypatch):
    monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    assert "everything works without" in look(None, "model key").detail
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-abcdef123456")
    assert "ANTHROPIC_API_KEY is set" in look(None, "model key").detail
    assert not any("abcdef" in c.detail + c.fix for c in diagnose(None))


def test_memory_and_disk_against_the_objective(tmp_path, monkeypatch):
    root = objective(tmp_path, '[environment]\nmemory = "9000TiB"\ndisk = "9000TiB"\n')
    assert look(root, "memory").state == "fail"
    assert look(root, "disk").state == "warn"
    monkeypatch.setattr(
        doctor.shutil, "disk_usage", lambda p: os.terminal_size((0, 0)) and _Usage()
    )
    assert look(None, "disk").state == "fail"


class _Usage:
    total, used, free = 10 * 2**30, 10 * 2**30, 5


def test_a_container_s_share_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    (tmp_path / "memory.max").write_text(f"{2**30}\n")
    (tmp_path / "memory.current").write_text(f"{2**29}\n")
    assert machine.cores() == 0.5
    assert machine.memory() == (2**30, 2**29)
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.cores() >= 1
    assert machine.memory()[0] > 2**30


def test_state_in_the_way(tmp_path):
    (tmp_path / ".autosota").write_text("")
    found = look(tmp_path, "state")
    assert found.state == "fail" and "move" in found.fix


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_workspace(tmp_path):
    tmp_path.chmod(0o555)
    try:
        assert look(tmp_path, "state").state == "fail"
    finally:
        tmp_path.chmod(0o755)


def test_a_workspace_that_is_gone(tmp_path):
    checks = {c.name: c for c in diagnose(tmp_path / "gone")}
    assert checks["state"].state == checks["disk"].state == "fail"


def test_objectives(tmp_path):
    found = look(tmp_path, "objective")
    assert (found.state, found.fix) == ("warn", f"autosota init {tmp_path}")
    objective(tmp_path, '[protocol]\ndata = ["d/**"]\nevaluation = ["t.py"]\n')
    found = look(tmp_path, "objective")
    assert found.state == "fail" and "there is no file 't.py'" in found.detail
    (tmp_path / "t.py").write_text("print('METRIC acc=1')\n")
    assert "'d/**' names no file" in look(tmp_path, "objective").fix
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x.csv").write_text("a\n1\n")
    assert look(tmp_path, "objective").state == "ok"
    objective(tmp_path, '[protocol]\ndata = ["d/**"]\nevaluation = ["t.py"]\n[budget]\nwall = 3\n')
    assert look(tmp_path, "objective").state == "warn"
    objective(tmp_path, "[budget]\nevaluations = -1\n")
    found = look(tmp_path, "objective")
    assert found.state == "fail" and "evaluations" in found.detail
    (tmp_path / "autosota.toml").write_bytes(b"\xff\x00")
    assert look(tmp_path, "objective").state == "fail"


def test_network_true_is_a_warning(tmp_path):
    root = objective(tmp_path, "[environment]\nnetwork = true\n")
    assert look(root, "network").state == "warn"
