"""Kernels that are started in advance."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.kernels.conftest import Jupyter, eventually

from autosota.server.kernels import launch
from autosota.server.kernels.pool import Pool


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    """The pool of this process, for this test."""
    made = Pool(most=2, delay_seconds=0.05)
    monkeypatch.setattr(launch, "POOL", made)
    yield made
    made.close()


def start(jupyter: Jupyter, name: str = "docker", **options: object) -> str:
    with jupyter.kernel(name, **options) as kernel:
        assert kernel.run("print(1)") == "1\n"
        return kernel.container


def containers(engine) -> set[str]:
    label = ["autosota.role=pool", f"autosota.owner={_owner()}"]
    return {c["Id"] for c in engine.client.api.containers(all=True, filters={"label": label})}


def _owner() -> str:
    from autosota.server.containers.labels import owner

    return owner()


def test_the_second_kernel_was_there_already(jupyter, pool, engine, workspace, ours):
    (workspace / "sub").mkdir(mode=0o777)
    (workspace / "autosota.toml").write_text("")
    jupyter.spec(pool=1, env={"A": "1"})
    start(jupyter)
    eventually(lambda: pool.waiting() == 1)
    (waiting,) = containers(engine)
    began = time.perf_counter()
    with jupyter.kernel(cwd=workspace / "sub") as kernel:
        took = time.perf_counter() - began
        assert kernel.container == waiting
        assert (
            kernel.run("import os; print(os.getcwd(), os.environ['A'])") == f"{workspace}/sub 1\n"
        )
        assert kernel.run("print(In[1:2])").startswith('["import os'), "nothing was run before"
        assert took < 2.0
        info = kernel.manager.get_connection_info()
        kernel.manager.restart_kernel()
        assert kernel.manager.get_connection_info() == info
        kernel.wait()
        assert kernel.run("import os; print(os.getcwd())") == f"{workspace}/sub\n"
    eventually(lambda: pool.waiting() == 1)
    pool.close()
    assert ours() == set()


def test_only_the_same_kind_is_as_good(jupyter, pool, tmp_path):
    jupyter.spec(pool=1, memory="300MiB")
    jupyter.spec("other", pool=1, memory="400MiB")
    first = start(jupyter)
    eventually(lambda: pool.waiting() == 1)
    assert first != start(jupyter, "other")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o777)
    with jupyter.kernel(cwd=elsewhere) as kernel:
        assert kernel.run("import os; print(os.getcwd())") == f"{elsewhere}\n"


def test_few_wait_at_once_and_the_newest_kind_is_served(jupyter, pool, engine):
    for name in ("a", "b", "c"):
        jupyter.spec(name, pool=1, memory=f"30{ord(name) - 90}MiB")
        start(jupyter, name)
        eventually(lambda: pool.waiting() >= 1)
    eventually(lambda: pool.waiting() == 2)
    assert len(containers(engine)) == 2
    before = containers(engine)
    assert start(jupyter, "c") in before


def test_what_nobody_wants_is_given_up(jupyter, pool, engine, ours):
    jupyter.spec(pool=1, pool_idle="6s")
    start(jupyter)
    eventually(lambda: pool.waiting() == 1)
    eventually(lambda: ours() == set())
    assert pool.waiting() == 0
    eventually(lambda: "kernel-pool" not in {t.name for t in threading.enumerate()})
    start(jupyter)
    eventually(lambda: pool.waiting() == 1)


def test_one_that_died_or_hangs_is_not_handed_out(jupyter, pool, engine):
    from docker.errors import APIError

    jupyter.spec(pool=1)
    start(jupyter)
    eventually(lambda: pool.waiting() == 1)
    (waiting,) = containers(engine)
    engine.client.api.pause(waiting)
    try:
        assert start(jupyter) != waiting
    finally:
        with contextlib.suppress(APIError):
            engine.client.api.unpause(waiting)
    eventually(lambda: waiting not in containers(engine), 30)
    eventually(lambda: pool.waiting() == 1, 30)
    (waiting,) = containers(engine)
    engine.client.api.kill(waiting)
    assert start(jupyter) != waiting


def test_a_kernel_that_never_answers_does_not_wait_in_the_pool(jupyter, pool, caplog, engine):
    from autosota.server.kernels import pool as pools

    jupyter.spec(pool=1, argv=["sh", "-c", "exec sleep 600", "{connection_file}"])
    original = pools.LISTEN_SECONDS
    pools.LISTEN_SECONDS = 1.0
    try:
        with jupyter.kernel(ready=False):
            eventually(lambda: "it does not answer" in caplog.text, 30)
    finally:
        pools.LISTEN_SECONDS = original
    assert pool.waiting() == 0
    eventually(lambda: containers(engine) == set())


def test_after_a_kill_the_next_process_removes_what_waited(jupyter, workspace, engine):
    jupyter.spec(pool=1)
    code = (
        "import os, sys, time\n"
        "from jupyter_client.manager import KernelManager\n"
        "from autosota.server.kernels.pool import POOL\n"
        "m = KernelManager(kernel_name='docker')\n"
        f"m.start_kernel(cwd={str(workspace)!r})\n"
        "m.shutdown_kernel(now=True)\n"
        "while not POOL.waiting(): time.sleep(0.05)\n"
        "print('waits', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None and process.stdout.readline() == b"waits\n"
    finally:
        process.kill()
        process.wait()
    label = {"label": ["autosota.role=pool", f"autosota.workspace={workspace}"]}
    (left,) = engine.client.api.containers(all=True, filters=label)
    folder = Path(left["Labels"]["autosota.scratch"])
    from autosota.server.containers.reaper import reap

    assert folder.exists()
    reap(engine)
    assert engine.client.api.containers(all=True, filters=label) == []
    assert not folder.exists()


def test_a_process_that_ends_in_order_leaves_nothing(jupyter, workspace, engine, tmp_path):
    jupyter.spec(pool=1)
    code = (
        "import time\n"
        "from jupyter_client.manager import KernelManager\n"
        "from autosota.server.kernels.pool import POOL\n"
        "m = KernelManager(kernel_name='docker')\n"
        f"m.start_kernel(cwd={str(workspace)!r})\n"
        "m.shutdown_kernel(now=True)\n"
        "while not POOL.waiting(): time.sleep(0.05)\n"
    )
    env = {**os.environ, "TMPDIR": str(_short(tmp_path))}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, env=env)
    label = {"label": f"autosota.workspace={workspace}"}
    assert engine.client.api.containers(all=True, filters=label) == []
    assert list(Path(env["TMPDIR"]).glob("autosota-*")) == []


def _short(folder: Path) -> Path:
    import tempfile

    return Path(tempfile.mkdtemp(prefix="k", dir="/tmp"))
