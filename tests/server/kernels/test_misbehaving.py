"""Kernels that do what kernels should not: each ends in a typed outcome, others go on."""

from __future__ import annotations

import time

import pytest
from tests.server.kernels.conftest import eventually

from autosota.server.kernels.ended import Why

NEVER_READY = ["sh", "-c", "exec sleep 600", "{connection_file}"]
DIES_AT_START = ["python3", "-c", "import no_such_kernel", "{connection_file}"]
IGNORES = """
import signal, time
for number in range(1, 32):
    if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN)
get_ipython().kernel.do_shutdown = lambda restart: time.sleep(600)
"""
FORK_BOMB = """
import os, time
def bomb():
    while True:
        try: os.fork()
        except OSError: time.sleep(0.01)
bomb()
"""
ZOMBIES = """
import os, time
made = 0
try:
    while True:
        if os.fork() == 0: os._exit(0)
        made += 1
except OSError as error:
    print('stopped:', error.strerror, made < 150)
"""
HOG = "kept = []\nwhile True: kept.append(b'x' * 10_000_000)"


@pytest.fixture
def neighbour(jupyter):
    """Another kernel, which has to go on."""
    jupyter.spec("neighbour")
    with jupyter.kernel("neighbour") as kernel:
        kernel.run("x = 41")
        yield kernel
        began = time.monotonic()
        assert kernel.run("print(x + 1)") == "42\n"
        assert time.monotonic() - began < 10


def ends(kernel, why: Why, seconds: float = 60.0) -> None:
    eventually(lambda: kernel.provisioner.ended is not None, seconds)
    assert kernel.provisioner.ended.why is why


def test_never_ready(jupyter, ours):
    jupyter.spec(argv=NEVER_READY)
    with jupyter.kernel(ready=False) as kernel:
        with pytest.raises(RuntimeError, match="didn't respond in 2 seconds"):
            kernel.client.wait_for_ready(timeout=2)
        assert kernel.manager.is_alive()
        began = time.monotonic()
        kernel.manager.shutdown_kernel()
        assert time.monotonic() - began < 15
    assert ours() == set()


def test_dies_at_start(jupyter, ours, caplog):
    jupyter.spec(argv=DIES_AT_START)
    with jupyter.kernel(ready=False) as kernel:
        with pytest.raises(RuntimeError, match="Kernel died"):
            kernel.wait()
        ends(kernel, Why.EXITED)
        assert kernel.provisioner.ended.code == 1
        assert "No module named 'no_such_kernel'" in caplog.text
    assert ours() == set()


def test_ignores_signals(jupyter, neighbour):
    jupyter.spec()
    with jupyter.kernel() as kernel:
        kernel.run(IGNORES)
        kernel.manager.shutdown_wait_time = 2.0
        began = time.monotonic()
        provisioner = kernel.provisioner
        kernel.manager.shutdown_kernel()
        assert time.monotonic() - began < 12
        assert (provisioner.ended.why, provisioner.ended.code) == (Why.STOPPED, -9)


def test_fork_bomb(jupyter, neighbour):
    jupyter.spec(processes=64, cpus=0.5)
    with jupyter.kernel() as kernel:
        kernel.client.execute(FORK_BOMB)
        eventually(lambda: neighbour.run("print(x)") == "41\n")
        began = time.monotonic()
        provisioner = kernel.provisioner
        kernel.manager.shutdown_kernel(now=True)
        assert time.monotonic() - began < 12
        assert provisioner.ended.why is Why.STOPPED


def test_zombie_maker(jupyter, neighbour):
    jupyter.spec(processes=150)
    with jupyter.kernel() as kernel:
        out = kernel.run(ZOMBIES)
        assert out == "stopped: Resource temporarily unavailable True\n"
        kernel.manager.restart_kernel(now=True)
        kernel.wait()
        assert kernel.run("print(1)") == "1\n"


def test_memory_hog(jupyter, neighbour):
    jupyter.spec(memory="200MiB")
    with jupyter.kernel() as kernel:
        kernel.client.execute(HOG)
        ends(kernel, Why.OUT_OF_MEMORY)


def test_shared_memory_and_tmp_count_as_memory(jupyter, neighbour):
    jupyter.spec(memory="200MiB")
    with jupyter.kernel() as kernel:
        kernel.client.execute(
            "f = open('/tmp/big', 'wb')\nwhile True: f.write(b'x' * 10_000_000); f.flush()"
        )
        ends(kernel, Why.OUT_OF_MEMORY)
