"""An engine that stops, is killed, hangs or is elsewhere: reported or recovered, never hung."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator

import psutil
import pytest
from tests.server.containers.conftest import daemon, tiny_image  # noqa: F401 - a fixture
from tests.server.kernels.conftest import Jupyter, eventually

from autosota.server.containers.engine import Engine
from autosota.server.errors import UserError
from autosota.server.kernels import shared
from autosota.server.kernels.ended import Why
from autosota.server.kernels.provisioner import KernelRefused

IDLE = ["sh", "-c", "exec sleep 600", "{connection_file}"]


@pytest.fixture
def second(daemon, jupyter: Jupyter, monkeypatch) -> Iterator[object]:  # noqa: F811
    """An engine of the test's own, which kernels use; also what it leaves running is ended."""
    one = daemon()
    monkeypatch.setenv("DOCKER_HOST", one.endpoint.url)
    with one.engine() as engine:
        tiny_image(engine)
    jupyter.image = "local/tiny:test"
    jupyter.spec(argv=IDLE)
    children = psutil.Process(one.process.pid).children(recursive=True)
    yield one
    shared.close()
    for child in children:
        if child.is_running():
            child.kill()


def alive(process: int) -> bool:
    return psutil.pid_exists(process) and psutil.Process(process).status() != "zombie"


def pid(kernel) -> int:
    return int(kernel.provisioner._kernel._process.split(":")[1])


def test_an_engine_that_stops_takes_the_kernel_along_and_it_is_told(second, jupyter, ours):
    with jupyter.kernel(ready=False) as kernel:
        process = pid(kernel)
        second.end()
        eventually(lambda: not kernel.manager.is_alive(), 30)
        assert not alive(process)
        assert kernel.provisioner.ended.why in (Why.ENGINE, Why.SIGNALLED)
        began = time.monotonic()
        with pytest.raises(KernelRefused, match="container engine at"):
            kernel.manager.restart_kernel(now=True)
        assert time.monotonic() - began < 45
    folders = {one for one in ours() if one.startswith("/")}
    assert folders == set()


def test_an_engine_that_is_killed_leaves_the_kernel_running(second, jupyter):
    with jupyter.kernel(ready=False) as kernel:
        process = pid(kernel)
        second.process.kill()
        second.process.wait()
        time.sleep(0.5)
        assert kernel.manager.is_alive() and alive(process)
        began = time.monotonic()
        provisioner = kernel.provisioner
        kernel.manager.shutdown_kernel(now=True)
        assert time.monotonic() - began < 30
        assert provisioner.ended is None or provisioner.ended.why is Why.STOPPED
        eventually(lambda: not alive(process))


def test_an_engine_that_hangs_holds_nobody_up_for_long(second, jupyter):
    with jupyter.kernel(ready=False) as kernel:
        process, container = pid(kernel), kernel.container
        with second.frozen():
            began = time.monotonic()
            assert kernel.manager.is_alive()
            assert time.monotonic() - began < 1
            kernel.manager.shutdown_kernel(now=True)
            assert time.monotonic() - began < 40
            eventually(lambda: not alive(process))

        def gone() -> bool:
            with Engine.connect(second.endpoint) as engine:
                return not engine.client.api.containers(all=True, filters={"id": container})

        eventually(gone, 30)


def test_what_could_not_be_removed_is_removed_later(second, jupyter, monkeypatch):
    from autosota.server.kernels import container

    with second.engine() as engine:
        made = engine.client.api.create_container("local/tiny:test", ["sleep", "60"])["Id"]
        with second.frozen():
            monkeypatch.setattr(container, "CALL_SECONDS", 0.5)
            with contextlib.closing(engine.another(0.5)) as client:
                container.remove(client, engine, made)
        with jupyter.kernel(ready=False):  # connects anew
            pass
        with jupyter.kernel(ready=False):
            eventually(lambda: not engine.client.api.containers(all=True, filters={"id": made}))


def test_another_machine_is_refused_unless_asked_for(daemon, jupyter, monkeypatch):  # noqa: F811
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    remote = daemon("-H", f"tcp://127.0.0.1:{port}")
    with remote.engine() as engine:
        tiny_image(engine)
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
        jupyter.image = "local/tiny:test"
        jupyter.spec(argv=IDLE)
        with pytest.raises(UserError, match="would not see your files"), jupyter.kernel():
            pass
        jupyter.spec(argv=IDLE, remote=True)
        with jupyter.kernel(ready=False) as kernel:
            info = kernel.manager.get_connection_info()
            assert (info["transport"], info["ip"]) == ("tcp", "127.0.0.1")
            told = engine.client.api.inspect_container(kernel.container)
            assert told["Mounts"] == []
            assert told["HostConfig"]["ReadonlyRootfs"] is True
        shared.close()


def test_a_server_gives_up_a_kernel_whose_engine_is_gone(second, jupyter, workspace, tmp_path):
    from tests.server.kernels.test_clients import Server

    server = Server(workspace, tmp_path / "server.log")
    try:
        server.ask("POST", "/kernels", {"name": "docker", "path": ""})
        second.end()
        eventually(lambda: server.ask("GET", "/kernels") == [], 60)
        assert "AsyncIOLoopKernelRestarter: restarting kernel" in server.log.read_text()
        assert "there is no such socket; correct DOCKER_HOST" in server.log.read_text()
    finally:
        server.stop()


def test_no_engine_at_all_is_told_in_one_line(jupyter, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    jupyter.spec()
    with (
        pytest.raises(KernelRefused, match="there is no such socket; correct DOCKER_HOST"),
        jupyter.kernel(),
    ):
        pass


def test_signals_are_no_error_without_an_engine(second, jupyter, caplog):
    with jupyter.kernel(ready=False) as kernel:
        second.process.kill()
        second.process.wait()
        kernel.manager.signal_kernel(signal.SIGUSR1)
        assert "container engine at" in caplog.text
