"""Starting commands: what the walls show, and what happens when they cannot stand."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from autosota.agents.domain import Outcome
from autosota.server.sandbox import bubblewrap
from autosota.server.sandbox.bubblewrap import BubblewrapLauncher, Probe
from autosota.server.sandbox.launch import Launch, Limits, Mount, SandboxBroken, Stop
from autosota.server.sandbox.process import ProcessLauncher


def go(launcher, work: Path, command: str, stop: Stop | None = None, **settings):
    logs = {"stdout": work.parent / "o", "stderr": work.parent / "e"}
    env = {"PATH": "/usr/bin:/bin", "AUTOSOTA_RUN_DIR": str(work)}
    launch = Launch(command, work, env, (work,), Limits(30), **settings)
    return launcher.launch(launch, logs, stop=stop), logs


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def test_probe_without_bubblewrap(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    found = bubblewrap.probe.__wrapped__()
    assert not found.works
    assert "install the package `bubblewrap`" in found.why


def test_probe_with_a_bubblewrap_that_cannot(tmp_path, monkeypatch):
    fake = tmp_path / "bwrap"
    fake.write_text(
        "#!/bin/sh\n[ $1 = --version ] && echo bubblewrap 9.1 && exit\n"
        "echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1\n"
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = bubblewrap.probe.__wrapped__()
    assert (found.works, found.version) == (False, "9.1")
    assert found.why.startswith("bwrap: setting up uid map: Permission denied (")
    with pytest.raises(SandboxBroken, match="uid map"):
        go(BubblewrapLauncher(tried=found), tmp_path, "true")


def test_a_missing_program_is_a_broken_sandbox(work):
    with pytest.raises(SandboxBroken, match="cannot start"):
        go(BubblewrapLauncher(tried=Probe(True, path="/no/bwrap")), work, "true")


@pytest.mark.bwrap
def test_a_mount_that_does_not_exist_is_our_fault_not_the_candidates(work):
    mount = Mount(work / "nothing", work / "x")
    with pytest.raises(SandboxBroken, match="nothing"):
        go(BubblewrapLauncher(), work, "true", mounts=(mount,))


@pytest.mark.bwrap
def test_a_repository_inside_a_system_folder_is_concealed(work, monkeypatch):
    (work.parent / "private").write_text("secret")
    monkeypatch.setattr(bubblewrap, "_SYSTEM", ("/usr", str(work.parent.parent)))
    command = f"ls {work.parent}; echo x > {work}/mine; echo y > {work.parent}/other"
    finished, logs = go(BubblewrapLauncher(), work, command, conceal=(work.parent,))
    assert logs["stdout"].read_text() == "work\n"
    assert (work / "mine").read_text() == "x\n"
    assert not (work.parent / "other").exists()
    assert finished.outcome is Outcome.CRASHED


@pytest.mark.parametrize("kind", ["process", pytest.param("bwrap", marks=pytest.mark.bwrap)])
def test_nothing_of_ours_is_inherited(work, kind):
    launcher = ProcessLauncher() if kind == "process" else BubblewrapLauncher()
    kept = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(kept, False)
    before = sorted(os.listdir("/proc/self/fd"))
    finished, logs = go(launcher, work, "ls /proc/self/fd | wc -l; ulimit -c; cat; tty")
    os.close(kept)
    lines = logs["stdout"].read_text().splitlines()
    assert lines == ["4", "0", "not a tty"]  # three streams, and the one `ls` opens
    assert finished.resources.wall_seconds > 0
    assert len(os.listdir("/proc/self/fd")) == len(before) - 1


def test_a_pressed_stop_starts_nothing(work):
    stop = Stop()
    stop.press()
    finished, _ = go(ProcessLauncher(), work, "touch started", stop)
    assert finished.outcome is Outcome.STOPPED
    assert not (work / "started").exists()


def test_killing_the_guard_of_a_plain_process_leaves_nothing(work, alive):
    mark = f"guardless-{os.getpid()}"
    code = f"import time; time.sleep(600); '{mark}'"
    command = f'setsid {sys.executable} -c "{code}" & sleep 0.3; kill -9 $PPID; sleep 600'
    finished, _ = go(ProcessLauncher(), work, command)
    assert finished.outcome is Outcome.CRASHED
    assert "was killed" in finished.reason
    assert not alive(mark)
