"""Runs in containers when things go wrong around them, and that nothing is left of them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.server.containers.conftest import Daemon

from autosota.agents.domain import Outcome
from autosota.server.containers.engine import Engine
from autosota.server.containers.labels import SCRATCH
from autosota.server.containers.reaper import reap
from autosota.server.errors import UserError
from autosota.server.sandbox.container import ContainerLauncher
from autosota.server.sandbox.launch import (
    Finished,
    Hidden,
    Launch,
    Limits,
    Mount,
    SandboxBroken,
    Stop,
)

PYTHON = Path("/opt/autosota/bin/python")


class Place:
    """A launcher, a working folder, and the logs of what ran there last."""

    def __init__(self, launcher: ContainerLauncher, work: Path) -> None:
        self.launcher, self.work = launcher, work
        self.logs = {"stdout": work.parent / "out.log", "stderr": work.parent / "err.log"}

    def launch(self, command: str, **more: object) -> Launch:
        limits = more.pop("limits", Limits(60.0))
        env = {"PATH": "/opt/autosota/bin:/usr/bin:/bin", "AUTOSOTA_RUN_DIR": str(self.work)}
        return Launch(command, self.work, env, (self.work,), limits, **more)  # type: ignore[arg-type]

    def run(
        self,
        command: str,
        stop: Stop | None = None,
        on_line: Callable[[str, str], None] | None = None,
        **more: object,
    ) -> Finished:
        for log in self.logs.values():
            log.unlink(missing_ok=True)
        launch = self.launch(command, **more)
        return self.launcher.launch(launch, self.logs, stop=stop, on_line=on_line)

    def python(self, code: str, **more: object) -> Finished:
        (self.work / "code.py").write_text(textwrap.dedent(code))
        return self.run("python code.py", **more)

    @property
    def out(self) -> str:
        return self.logs["stdout"].read_text()


@pytest.fixture
def place(engine: Engine, kernel_image: str, tmp_path: Path) -> Place:
    (tmp_path / "work").mkdir()
    image = engine.client.images.get(kernel_image).id
    return Place(ContainerLauncher(engine, image, PYTHON), tmp_path / "work")


def of_launches(engine: Engine, work: Path) -> list[str]:
    """Containers of launches in this folder."""
    listed = engine.client.api.containers(all=True, filters={"label": f"autosota.run={work}"})
    return [c["Id"] for c in listed]


def wait_for(true: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


@contextlib.contextmanager
def going(place: Place, command: str, **more: object) -> Iterator[list[object]]:
    """A launch in a thread that has said `here`; gives the list that gets how it ended."""
    ended: list[object] = []
    began = threading.Event()

    def follow() -> None:
        try:
            ended.append(place.run(command, on_line=lambda *_: began.set(), **more))
        except SandboxBroken as error:
            ended.append(error)

    thread = threading.Thread(target=follow)
    thread.start()
    assert began.wait(30), ended
    yield ended
    thread.join(30)
    assert not thread.is_alive()


def test_from_inside_there_is_nothing_of_this_machine(place: Place, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    os.environ["AUTOSOTA_TEST_TOKEN"] = "token-of-the-server"
    try:
        done = place.python(
            f"""
            import os, socket
            print("uid", os.getuid())
            print("nets", [name for _, name in socket.if_nameindex()])
            print("token", "token-of-the-server" in str(os.environ))
            for p in ("/var/run/docker.sock", {str(tmp_path / "secret")!r}, {str(Path.home())!r}):
                if p != "/root" and os.path.exists(p): print("SEES", p)
            ours = "/run/autosota/"
            for p in ("/x", "/usr/x", "/etc/x", ours + "streams/x", ours + "guard.py"):
                try: open(p, "w"); print("WROTE", p)
                except OSError: pass
            print("streams", os.listdir("/run/autosota/streams"))
            for p in ("/proc/1/fd", "/proc/1/mem", "/proc/1/environ"):
                try:
                    os.listdir(p) if p.endswith("fd") else open(p, "rb").read(1)
                    print("OPENED", p)
                except OSError: pass
            status = dict(l.split(":", 1) for l in open("/proc/self/status").read().splitlines())
            print("caps", status["CapEff"].strip(), status["CapBnd"].strip(),
                  status["NoNewPrivs"].strip(), status["Seccomp"].strip())
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            print("mount", libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
                  "unshare", libc.unshare(0x10000000))
            try: os.mknod("zero", 0o20666, os.makedev(1, 5)); print("MADE a device")
            except OSError: pass
            """
        )
    finally:
        del os.environ["AUTOSOTA_TEST_TOKEN"]
    assert done.outcome is Outcome.OK, (done.reason, place.logs["stderr"].read_text())
    lines = place.out.splitlines()
    assert lines == [
        f"uid {place.launcher.who.uid}",
        "nets ['lo']",
        "token False",
        "streams []",
        "caps 0000000000000000 0000000000000000 1 2",
        "mount -1 unshare -1",
    ]


def test_mounts_are_read_only_and_hidden_places_are_empty(place: Place, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "labels").mkdir(parents=True)
    (data / "x.csv").write_text("1")
    (data / "labels" / "y.csv").write_text("2")
    (data / "token").write_text("t")
    done = place.python(
        f"""
        import os
        d = {str(data)!r}
        print(open(d + "/x.csv").read(), os.listdir(d + "/labels"))
        for p in ("/x.csv", "/new", "/labels/new", "/token"):
            try: open(d + p, "a"); print("WROTE", p)
            except OSError: pass
        try: print(open(d + "/token").read())
        except OSError as e: print(e.strerror)
        """,
        mounts=(Mount(data, data),),
        hidden=(Hidden(data / "labels", True), Hidden(data / "token", False)),
    )
    assert done.outcome is Outcome.OK
    assert place.out.splitlines() == ["1 []", "Permission denied"]


@pytest.mark.parametrize(
    ("code", "limits", "outcome", "reason"),
    [
        (
            "x = [bytearray(2**24) for _ in range(99)]",
            Limits(30, memory_bytes=2**27),
            Outcome.OUT_OF_MEMORY,
            f"used more than {2**27} bytes of memory",
        ),
        (
            "import mmap\nm = mmap.mmap(-1, 2**31)\nm.write(b'x' * 2**30)",
            Limits(30, memory_bytes=2**27),
            Outcome.OUT_OF_MEMORY,
            f"used more than {2**27} bytes of memory",
        ),
        (
            "open('/dev/shm/x', 'wb').write(b'x' * 2**29)",
            Limits(30, memory_bytes=2**27),
            Outcome.OUT_OF_MEMORY,  # shared memory counts
            f"used more than {2**27} bytes of memory",
        ),
        (
            "import os, time\nfor _ in range(9999):\n  os.fork() or time.sleep(99)",
            Limits(30, processes=40),
            Outcome.CRASHED,
            "had more than 40 processes at once",
        ),
        (
            "import time\nwhile True: open('f', 'ab').write(b'x' * 2**20); time.sleep(.001)",
            Limits(30, disk_bytes=2**25),
            Outcome.DISK_QUOTA,
            f"wrote more than {2**25} bytes",
        ),
        (
            "import signal, time\nfor s in set(range(1, 32)) - {9, 19}:\n"
            "  signal.signal(s, signal.SIG_IGN)\ntime.sleep(99)",
            Limits(0.5),
            Outcome.TIMEOUT,
            "not done after 0.5 s (objective.timeout)",
        ),
        (
            "import os, time\nfor _ in range(300):\n  os.fork() or os._exit(0)\nprint('zombies')",
            Limits(30),
            Outcome.OK,
            "",
        ),
        (
            "print('x' * 2**22)",
            Limits(30, output_bytes=2**20),
            Outcome.OUTPUT_LIMIT,
            "printed more",
        ),
        ("import os; os.kill(1, 9); os.kill(1, 15)", Limits(30), Outcome.OK, ""),
    ],
    ids=["memory", "mapped", "shared", "forks", "disk", "signals", "zombies", "output", "guard"],
)
def test_a_typed_end_while_another_run_goes_on(
    place: Place,
    engine: Engine,
    tmp_path: Path,
    code: str,
    limits: Limits,
    outcome: Outcome,
    reason: str,
) -> None:
    (tmp_path / "other" / "work").mkdir(parents=True)
    other = Place(place.launcher, tmp_path / "other" / "work")
    stop = Stop()
    with going(other, "echo here; sleep 60", stop=stop) as ended:
        done = place.python(code, limits=limits)
        assert (done.outcome, done.reason[: len(reason)]) == (outcome, reason)
        assert ended == []
        stop.press()
    assert isinstance(ended[0], Finished) and ended[0].outcome is Outcome.STOPPED
    assert of_launches(engine, place.work) == of_launches(engine, other.work) == []


def test_a_stop_takes_less_than_two_seconds(place: Place, engine: Engine) -> None:
    for wait in (0.0, 0.15, 0.4, 1.0):
        stop = Stop()
        threading.Timer(wait, stop.press).start()
        began = time.monotonic()
        done = place.run("trap '' TERM INT; sleep 60 & sleep 60", stop=stop)
        assert done.outcome is Outcome.STOPPED
        assert time.monotonic() - began < wait + 2.0
    assert of_launches(engine, place.work) == []


def test_a_container_removed_by_hand_is_reported(place: Place, engine: Engine) -> None:
    with going(place, "echo here; sleep 60") as ended:
        (container,) = of_launches(engine, place.work)
        engine.client.api.remove_container(container, force=True)
    assert isinstance(ended[0], SandboxBroken)
    assert "lost in mid-run: its container was" in str(ended[0])  # ended, then removed
    assert "autosota resume" in str(ended[0])


def test_an_image_that_is_gone_is_made_again_or_reported(
    place: Place, engine: Engine, kernel_image: str
) -> None:
    real = place.launcher.image
    place.launcher.image = "sha256:" + "0" * 64
    with pytest.raises(SandboxBroken, match="the image of this campaign is gone"):
        place.run("true")

    def other_packages() -> str:
        raise UserError("the image is not the environment that earlier runs had")

    place.launcher._ensure = other_packages
    with pytest.raises(SandboxBroken, match="not the environment that earlier runs had"):
        place.run("true")
    place.launcher._ensure = lambda: real
    assert place.run("true").outcome is Outcome.OK
    assert place.launcher.image == real  # what a receipt says, not what the campaign began with


def test_nothing_is_left_of_many_launches(place: Place, engine: Engine) -> None:
    def held() -> tuple[int, int, int]:
        mine = f"-{os.getpid()}-"  # others may run on this machine, too
        folders = [
            n for n in os.listdir(tempfile.gettempdir()) if n.startswith("autosota-") and mine in n
        ]
        return len(os.listdir("/proc/self/fd")), threading.active_count(), len(folders)

    commands = ("true", "exit 3", "no-such-program", "sleep 9 & kill -9 $$")
    for command in commands * 4:  # the client keeps at most 25 connections, and gets there
        place.run(command)
    before = held()
    for command in commands * 5:
        place.run(command)
    after = held()
    assert after[0] - before[0] < 5 and after[1:] == before[1:]
    assert of_launches(engine, place.work) == []


DRIVER = """
import sys, pathlib
from autosota.server.containers.engine import Engine
from autosota.server.sandbox.container import ContainerLauncher
from autosota.server.sandbox.launch import Launch, Limits
work, image = pathlib.Path(sys.argv[1]), sys.argv[2]
launcher = ContainerLauncher(Engine.connect(), image, pathlib.Path("/opt/autosota/bin/python"))
env = {"PATH": "/usr/bin:/bin", "AUTOSOTA_RUN_DIR": str(work)}
logs = {"stdout": work.parent / "out.log", "stderr": work.parent / "err.log"}
launch = Launch("echo here; sleep 600", work, env, (work,), Limits(900))
launcher.launch(launch, logs, on_line=lambda stream, line: print(line, flush=True))
"""


def test_a_driver_killed_takes_the_run_along_and_the_next_one_clears_up(
    place: Place, engine: Engine
) -> None:
    image = place.launcher.image
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(place.work), image], stdout=subprocess.PIPE
    )
    assert driver.stdout is not None and driver.stdout.readline() == b"here\n"
    (container,) = of_launches(engine, place.work)
    scratch = Path(engine.client.api.inspect_container(container)["Config"]["Labels"][SCRATCH])
    driver.send_signal(signal.SIGKILL)
    driver.wait()

    def over() -> bool:
        state = engine.client.api.inspect_container(container)["State"]
        return state["Status"] == "exited"

    wait_for(over, 5.0)
    assert scratch.exists()
    reap(engine)
    assert of_launches(engine, place.work) == []
    assert not scratch.exists()


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_an_engine_that_goes_away_in_mid_run_is_reported(
    how: str,
    daemon: Callable[..., Daemon],
    engine: Engine,
    kernel_image: str,
    tmp_path: Path,
) -> None:
    (tmp_path / "work").mkdir()
    one = daemon()
    with one.engine() as second:
        saved = engine.client.images.get(kernel_image).save(named=True)
        second.client.images.load(saved)  # type: ignore[arg-type]
        image = second.client.images.get(kernel_image).id
        place = Place(ContainerLauncher(second, image, PYTHON), tmp_path / "work")
        stop = Stop()
        with going(place, "echo here; sleep 60", stop=stop) as ended:
            if how == "stopped":
                one.end()
            else:  # its containers live on, and so does the run
                one.process.kill()
                one.process.wait(30)
                assert ended == []
                stop.press()
        if how == "stopped":
            assert isinstance(ended[0], SandboxBroken), ended
            assert "lost in mid-run" in str(ended[0])
        else:
            assert isinstance(ended[0], Finished), ended
            assert ended[0].outcome is Outcome.STOPPED
        with pytest.raises(SandboxBroken, match=r"cannot start: .* does not answer"):
            place.run("true")
