"""Kernels that come and go in a container that stays."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.kernels.conftest import eventually

from autosota.server.containers import walls
from autosota.server.errors import UserError
from autosota.server.kernels.attach import Warm
from autosota.server.kernels.container import Plan
from autosota.server.kernels.ended import Why
from autosota.server.kernels.folder import seen
from autosota.server.kernels.options import Options

NAME = f"autosota-test-warm-{os.getpid()}"


@pytest.fixture
def warm(engine, kernel_image: str, workspace: Path) -> Iterator[Warm]:
    options = Options(memory_bytes=400 * 2**20, processes=200)
    who = walls.user(rootless=engine.facts.rootless)
    plan = Plan(engine, options, seen(options, workspace), who, kernel_image)
    with Warm(plan, NAME) as made:
        yield made


def commands(engine, container: str) -> list[str]:
    """What runs in a container."""
    told = engine.client.api.top(container, ps_args="-eo pid,args")
    return [row[-1] for row in told["Processes"]]


def test_what_was_cached_stays_and_variables_do_not(jupyter, warm, engine):
    jupyter.spec(attach=NAME)
    with jupyter.kernel() as kernel:
        assert kernel.container == warm.container
        kernel.run("x = 1; open('/tmp/cache', 'w').write('features')")
    with jupyter.kernel() as kernel:
        assert kernel.run("print(open('/tmp/cache').read(), 'x' in dir())") == "features False\n"
    assert len(engine.client.api.containers(filters={"id": warm.container})) == 1


def test_its_end_kills_exactly_its_processes(jupyter, warm, engine):
    jupyter.spec(attach=NAME)
    spawn = (
        "import subprocess\n"
        "subprocess.run('setsid sleep {0}1 & setsid sh -c \"setsid sleep {0}2 & sleep {0}3\" &',"
        " shell=True)"
    )
    with jupyter.kernel() as other:
        other.run(spawn.format(22))
        with jupyter.kernel() as kernel:
            kernel.run(spawn.format(11))
            eventually(lambda: "sleep 113" in commands(engine, warm.container))
        left = commands(engine, warm.container)
        assert not any("sleep 11" in one for one in left)
        assert {"sleep 221", "sleep 222", "sleep 223"} <= set(left)
        assert other.run("print(1)") == "1\n"
    eventually(lambda: len(commands(engine, warm.container)) == 2)
    assert commands(engine, warm.container)[-1] == "sleep infinity"


@pytest.mark.parametrize("interrupt", ["message", "signal"])
def test_interrupt_and_restart(jupyter, warm, interrupt):
    jupyter.spec(attach=NAME, interrupt=interrupt)
    with jupyter.kernel() as kernel:
        request = kernel.begin("import time; print('on', flush=True); time.sleep(600)")
        kernel.manager.interrupt_kernel()
        assert kernel.reply(request)["ename"] == "KeyboardInterrupt"
        before = kernel.manager.get_connection_info()
        kernel.manager.restart_kernel()
        assert kernel.manager.get_connection_info() == before
        kernel.wait()
        assert kernel.run("print('time' in dir())") == "False\n"


def test_exit_code_and_memory_are_told_as_elsewhere(jupyter, warm, engine):
    jupyter.spec(attach=NAME)
    with jupyter.kernel() as other, jupyter.kernel() as kernel:
        out = kernel.run_until_death("kept = []\nwhile True: kept.append(b'x' * 10_000_000)")
        assert kernel.provisioner.ended.why is Why.OUT_OF_MEMORY
        assert "ran out of its 400 MiB of memory" in out
        assert other.run("print(1)") == "1\n"
        kernel.manager.restart_kernel(now=True)
        kernel.wait()
        kernel.client.execute("import os; os._exit(9)")
        eventually(lambda: kernel.provisioner.ended is not None)
        assert (kernel.provisioner.ended.why, kernel.provisioner.ended.code) == (Why.EXITED, 9)


def test_a_kernel_that_ignores_everything_ends_when_it_must(jupyter, warm, engine):
    jupyter.spec(attach=NAME)
    with jupyter.kernel() as kernel:
        kernel.run(
            "import signal\n"
            "for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):\n"
            "    signal.signal(number, signal.SIG_IGN)"
        )
        kernel.client.execute("while True: pass")
        began = time.monotonic()
        provisioner = kernel.provisioner
        kernel.manager.shutdown_kernel(now=True)
        assert time.monotonic() - began < 12
        assert provisioner.ended.why is Why.STOPPED
    eventually(lambda: len(commands(engine, warm.container)) == 2)


def test_a_keeper_that_is_killed_leaves_nothing(jupyter, warm, engine):
    """Code in the container is of the same user and can do that."""
    jupyter.spec(attach=NAME)
    with jupyter.kernel() as kernel:
        kernel.run("import subprocess; subprocess.Popen(['setsid', 'sleep', '331'])")
        kernel.client.execute(f"import os; os.kill(os.getppid(), {int(signal.SIGKILL)})")
        eventually(lambda: kernel.provisioner.ended is not None)
        assert kernel.provisioner.ended.why is Why.SIGNALLED
        assert "with its keeper" in kernel.provisioner.ended.line
        eventually(lambda: len(commands(engine, warm.container)) == 2)


def test_a_server_that_is_killed_takes_its_kernel_along(jupyter, warm, engine, workspace):
    import subprocess
    import sys

    jupyter.spec(attach=NAME)
    code = (
        "from jupyter_client.manager import KernelManager; import time\n"
        "m = KernelManager(kernel_name='docker'); "
        f"m.start_kernel(cwd={str(workspace)!r})\n"
        "print('on', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None and process.stdout.readline() == b"on\n"
        eventually(lambda: any("ipykernel" in one for one in commands(engine, warm.container)))
    finally:
        process.kill()
        process.wait()
    eventually(lambda: len(commands(engine, warm.container)) == 2)


def test_a_container_that_is_removed_is_reported(jupyter, warm, engine):
    jupyter.spec(attach=NAME)
    with jupyter.kernel() as kernel:
        engine.client.api.remove_container(warm.container, force=True)
        eventually(lambda: kernel.provisioner.ended is not None)
        assert kernel.provisioner.ended.why is Why.REMOVED
        with pytest.raises(UserError, match="there is no container"):
            kernel.manager.restart_kernel(now=True)


def test_the_one_of_the_workspace_is_found_else_the_kernel_gets_its_own(jupyter, warm, tmp_path):
    jupyter.spec(attach="workspace")
    with jupyter.kernel() as kernel:
        assert kernel.container == warm.container
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o777)
    with jupyter.kernel(cwd=elsewhere) as kernel:
        assert kernel.container != warm.container
        kernel.manager.restart_kernel()
        kernel.wait()


def test_others_containers_are_not_attached_to(jupyter, engine, kernel_image, warm, tmp_path):
    other = engine.client.containers.create(
        kernel_image, ["sleep", "60"], name=f"{NAME}-x", network_mode="none"
    )
    try:
        other.start()
        jupyter.spec(attach=f"{NAME}-x")
        with pytest.raises(UserError, match="was not opened by you for kernels"), jupyter.kernel():
            pass
    finally:
        other.remove(force=True)
    jupyter.spec(attach="there-is-none")
    with pytest.raises(UserError, match="there is no container 'there-is-none'"), jupyter.kernel():
        pass
    jupyter.spec(attach=NAME)
    with (
        contextlib.suppress(OSError),
        pytest.raises(UserError, match="does not see"),
        jupyter.kernel(cwd=tmp_path),
    ):
        pass


def test_many_come_and_go_and_nothing_stays(jupyter, warm, ours, engine):
    jupyter.spec(attach=NAME)
    before = ours()
    shared = Path(next(one for one in before if one.startswith("/")), "io")
    for _ in range(5):
        with jupyter.kernel() as kernel:
            kernel.run("1")
    assert ours() == before
    assert list(shared.iterdir()) == []
    assert len(commands(engine, warm.container)) == 2
