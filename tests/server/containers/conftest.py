"""A second engine, for tests in which one hangs, stops, lives elsewhere, or has GPUs."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.conftest import missing

from autosota.server.containers.engine import Endpoint, Engine, EngineUnavailable

PROGRAMS = ("sh", "sleep", "cat", "ls", "true")


@dataclass
class Daemon:
    """A `dockerd` of the test's own."""

    process: subprocess.Popen[bytes]
    endpoint: Endpoint
    log: Path

    def engine(self, seconds: float = 10.0) -> Engine:
        return Engine.connect(self.endpoint, seconds)

    def end(self) -> None:
        """Stop it as an administrator does, and wait until it has gone."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Hanging: connections are taken by the kernel, and nothing answers."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


def tiny_image(engine: Engine, name: str = "local/tiny:test") -> str:
    """An image of some MB with a shell and little else, made of this machine's own programs."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        files: set[str] = set()
        for program in PROGRAMS:
            path = shutil.which(program)
            assert path is not None
            told = subprocess.run(["ldd", path], capture_output=True, text=True, check=True)
            files |= {path, *re.findall(r"(/\S+) \(0x", told.stdout)}
        for file in sorted(files):
            target = f"bin/{Path(file).name}" if Path(file).name in PROGRAMS else file.lstrip("/")
            archive.add(os.path.realpath(file), target)
    engine.client.api.import_image_from_data(data.getvalue(), *name.split(":"))
    return name


@pytest.fixture
def daemon(engine) -> Iterator[object]:
    """Starts engines with options of the test's choice; ends them and removes what they wrote.

    The `engine` fixture is asked for so that the reason for a skip is the same one.
    """
    program = shutil.which("dockerd")
    if os.geteuid() != 0 or program is None:
        missing("a second engine needs dockerd and root")
    folder = Path(tempfile.mkdtemp(prefix="as-d-", dir="/var/tmp"))
    folder.chmod(0o711)  # an engine that maps users enters as another one
    started: list[Daemon] = []

    def start(
        *options: str, env: Mapping[str, str] | None = None, before: Sequence[str] = ()
    ) -> Daemon:
        place = folder / str(len(started))
        place.mkdir(mode=0o711)
        # a daemon that is told to have no bridge removes the one that the first engine uses
        bridge = "docker0" if Path("/sys/class/net/docker0").exists() else "none"
        command = [
            *before,
            program,
            *("--data-root", str(place / "data"), "--exec-root", str(place / "exec")),
            *("--pidfile", str(place / "pid"), "-H", f"unix://{place}/docker.sock"),
            *(f"--bridge={bridge}", "--iptables=false", "--ip6tables=false", *options),
        ]
        log = place / "log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=None if env is None else {**os.environ, **env},
                start_new_session=True,
            )
        one = Daemon(process, Endpoint(f"unix://{place}/docker.sock", "the test", True), log)
        started.append(one)
        deadline = time.monotonic() + 60
        while True:
            try:
                one.engine(5).close()
                return one
            except EngineUnavailable:
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"dockerd: {log.read_text(errors='replace')[-600:]}")
                time.sleep(0.1)

    yield start
    for one in started:
        one.end()
    for line in Path("/proc/self/mounts").read_text().splitlines():
        if str(folder) in line:
            subprocess.run(["umount", "-l", line.split()[1]], check=False)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def podman() -> Iterator[Engine]:
    """Podman's service of an ordinary user, who has no range of further users."""
    program = shutil.which("podman")
    if program is None:
        pytest.skip("podman is not installed (it is not needed: Docker is)")
    folder = Path(tempfile.mkdtemp(prefix="as-p-", dir="/var/tmp"))
    become: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("rootless podman needs an ordinary user, or setpriv")
        become = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"]
        os.chown(folder, 12345, 12345)
    command = [*become, program, "--root", f"{folder}/root", "--runroot", f"{folder}/c"]
    command += ["--storage-driver", "overlay"]  # without fuse it would take the slow one
    command += ["system", "service", "--time=0", f"unix://{folder}/podman.sock"]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    env["TMPDIR"] = str(folder)
    log = folder.with_name(f"{folder.name}.log")
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, env=env, cwd="/", stdout=file, stderr=file, start_new_session=True
        )
    try:
        where = Endpoint(f"unix://{folder}/podman.sock", "the test", True)
        deadline = time.monotonic() + 30
        while True:
            try:
                found = Engine.connect(where, 10)
                break
            except EngineUnavailable:
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.skip(f"podman does not work here: {log.read_text(errors='replace')}")
                time.sleep(0.1)
        with found:
            yield found
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # it started itself anew in a namespace
        process.wait()
        for file in folder.rglob("pause.pid"):  # it keeps the user's namespace
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(file.read_text()), signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
        log.unlink()
