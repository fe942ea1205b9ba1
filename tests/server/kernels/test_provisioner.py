"""A kernel in a container, from start to end, as Jupyter's manager has it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from jupyter_client.manager import KernelManager
from tests.server.kernels.conftest import eventually, threads

from autosota.server.errors import UserError
from autosota.server.kernels.ended import Why
from autosota.server.kernels.provisioner import KernelRefused


def test_a_kernel_runs_where_its_notebook_lies(jupyter, workspace, ours):
    (workspace / "sub").mkdir()
    (workspace / "autosota.toml").write_text("")
    jupyter.spec()
    with jupyter.kernel(cwd=workspace / "sub") as kernel:
        assert kernel.run("import os; print(os.getcwd())") == f"{workspace}/sub\n"
        assert kernel.run(f"print(os.listdir({str(workspace)!r}))").count("autosota.toml") == 1
        assert kernel.run("open('../made', 'w').write('here')") == ""
        assert (workspace / "made").read_text() == "here"
        assert kernel.manager.resolve_path("../made") == str(workspace / "made")
        assert kernel.manager.resolve_path("/etc/passwd") is None
        assert len(ours()) == 2, "a container and a folder"
    assert ours() == set()
    assert threads() <= {"kernel-reaper"}


def test_only_the_kernelspecs_own_variables_go_inside(jupyter, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("JPY_API_TOKEN", "token")
    monkeypatch.setenv("WANTED", "value")
    jupyter.spec(env={"PLAIN": "1", "NAMED": "${WANTED}"})
    with jupyter.kernel() as kernel:
        told = kernel.run("import os; print(sorted(os.environ.items()))")
        everywhere = kernel.run(
            "import glob\nprint([open(p,'rb').read() for p in glob.glob('/proc/[0-9]*/environ')])"
        )
    assert "('PLAIN', '1')" in told and "('NAMED', 'value')" in told
    for secret in ("sk-secret", "token", "JPY_API", "OPENAI"):
        assert secret not in told
        assert secret not in everywhere


@pytest.mark.parametrize("interrupt", ["message", "signal"])
def test_an_interrupt_reaches_running_code(jupyter, interrupt):
    jupyter.spec(interrupt=interrupt)
    with jupyter.kernel() as kernel:
        request = kernel.begin("import time; print('on', flush=True); time.sleep(600)")
        began = time.monotonic()
        kernel.manager.interrupt_kernel()
        assert kernel.reply(request)["ename"] == "KeyboardInterrupt"
        assert time.monotonic() - began < 10
        assert kernel.run("print(1)") == "1\n"


def test_a_restart_keeps_the_names_that_clients_know(jupyter, ours):
    jupyter.spec()
    with jupyter.kernel() as kernel:
        before, first = kernel.manager.get_connection_info(), kernel.container
        kernel.run("x = 1")
        kernel.manager.restart_kernel()
        assert kernel.container != first
        assert kernel.manager.get_connection_info() == before
        kernel.wait()  # the old client, over the old names
        assert kernel.run("print('x' in dir())") == "False\n"
        assert len(ours()) == 2
    assert ours() == set()


def test_a_restart_at_once_after_a_crash(jupyter):
    jupyter.spec()
    with jupyter.kernel() as kernel:
        kernel.client.execute("import os; os._exit(3)")
        eventually(lambda: not kernel.manager.is_alive())
        assert kernel.provisioner.ended.code == 3
        kernel.manager.restart_kernel(now=True)
        kernel.wait()
        assert kernel.run("print(1)") == "1\n"
        assert kernel.provisioner.ended is None


def test_exit_codes_are_those_of_the_kernel(jupyter):
    jupyter.spec()
    with jupyter.kernel() as kernel:
        kernel.client.execute("import os; os._exit(7)")
        eventually(lambda: kernel.provisioner.ended is not None)
        ended = kernel.provisioner.ended
        assert (ended.why, ended.code) == (Why.EXITED, 7)
        assert ended.line == "the kernel ended with exit code 7"


def test_memory_that_ran_out_is_told_apart_from_another_kill(jupyter):
    jupyter.spec(memory="200MiB")
    with jupyter.kernel() as kernel:
        kernel.client.execute("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
        eventually(lambda: kernel.provisioner.ended is not None)
        assert kernel.provisioner.ended.why is Why.SIGNALLED
        assert kernel.provisioner.ended.code == -9
        kernel.manager.restart_kernel(now=True)
        kernel.wait()
        out = kernel.run_until_death("kept = []\nwhile True: kept.append(b'x' * 10_000_000)")
        assert kernel.provisioner.ended.why is Why.OUT_OF_MEMORY
        assert kernel.provisioner.ended.code == -9
        assert "ran out of its 200 MiB of memory" in out, "the client is told, below the cell"


def test_a_shutdown_in_order_is_expected_and_needs_no_force(jupyter):
    jupyter.spec()
    with jupyter.kernel() as kernel:
        provisioner = kernel.provisioner
        began = time.monotonic()
        kernel.manager.shutdown_kernel()
        assert time.monotonic() - began < 5
        assert provisioner.ended.expected
        assert provisioner.ended.code == 0


def test_a_container_removed_by_hand_is_reported(jupyter, engine, caplog):
    jupyter.spec()
    with jupyter.kernel() as kernel:
        engine.client.api.remove_container(kernel.container, force=True)
        eventually(lambda: not kernel.manager.is_alive())
        assert kernel.provisioner.ended.why is Why.REMOVED
        assert "removed by somebody" in caplog.text
        kernel.manager.restart_kernel(now=True)
        kernel.wait()


def test_signals_reach_the_kernel(jupyter):
    jupyter.spec()
    with jupyter.kernel() as kernel:
        kernel.run(
            "import signal; got = []; signal.signal(signal.SIGUSR1, lambda *a: got.append(1))"
        )
        kernel.manager.signal_kernel(signal.SIGUSR1)
        eventually(lambda: kernel.run("print(got)") == "[1]\n")


def test_messages_are_encrypted_when_the_manager_asks_for_it(jupyter):
    jupyter.spec()
    with jupyter.kernel(transport_encryption="required") as kernel:
        assert kernel.manager.curve_publickey is not None
        assert kernel.run("print(1)") == "1\n"
        kernel.manager.restart_kernel()
        kernel.again()
        assert kernel.run("print(2)") == "2\n"


def test_over_tcp_messages_are_encrypted_and_the_network_leads_nowhere(jupyter, engine):
    jupyter.spec(transport="tcp")
    with jupyter.kernel() as kernel:
        info = kernel.manager.get_connection_info()
        assert (info["transport"], info["ip"]) == ("tcp", "127.0.0.1")
        assert kernel.manager.curve_publickey is not None
        told = engine.client.api.inspect_container(kernel.container)
        bound = [p for b in told["NetworkSettings"]["Ports"].values() for p in b]
        assert {p["HostIp"] for p in bound} == {"127.0.0.1"}
        assert list(told["NetworkSettings"]["Networks"]) == ["autosota-quiet"]
        assert kernel.run("import os; print('AUTOSOTA_CONNECTION' in os.environ)") == "False\n"
        out = kernel.run(
            "import socket\n"
            "try: socket.create_connection(('192.0.2.1', 53), 2)\n"
            "except OSError as error: print(type(error).__name__)"
        )
        assert out == "TimeoutError\n"
        assert told["HostConfig"]["Dns"] == ["127.0.0.1"], "no names are asked for it"
        kernel.manager.restart_kernel()
        assert kernel.manager.get_connection_info() == info
        kernel.again()


def test_an_image_that_is_missing_is_told_in_one_line(jupyter, ours):
    jupyter.spec(image="local/there-is-no-such:image")
    with pytest.raises(KernelRefused) as told, jupyter.kernel():
        pass
    assert "local/there-is-no-such:image: the engine has no such image" in str(told.value)
    assert told.value.status_code == 503
    assert ours() == set()


def test_a_command_that_is_missing_is_told_in_one_line(jupyter, ours, caplog):
    jupyter.spec(argv=["/no/such/python", "{connection_file}"])
    with pytest.raises(RuntimeError, match="Kernel died"), jupyter.kernel():
        pass
    assert "exec /no/such/python failed: No such file or directory" in caplog.text
    assert ours() == set()


def test_a_home_folder_is_not_mounted(jupyter, ours):
    jupyter.spec()
    with pytest.raises(UserError, match="which holds keys"), jupyter.kernel(cwd=Path.home()):
        pass
    assert ours() == set()


def test_a_typo_in_the_kernelspec_is_told(jupyter):
    name = jupyter.spec(memroy="1GiB")
    with pytest.raises(UserError, match="did you mean 'memory'"), jupyter.kernel(name):
        pass


def test_a_process_that_ends_in_order_takes_its_kernels_along(jupyter, workspace, engine, tmp_path):
    import subprocess
    import sys

    jupyter.spec()
    code = (
        "from jupyter_client.manager import KernelManager\n"
        "m = KernelManager(kernel_name='docker'); "
        f"m.start_kernel(cwd={str(workspace)!r})\n"
        "print(m.provisioner._kernel.container, m.provisioner._launch._meeting.folder)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    container, folder = done.stdout.split()
    found = engine.client.api.containers(all=True, filters={"id": container})
    assert found == []
    del folder  # the next start of a kernel removes it: the owner is dead


def test_the_manager_may_be_dropped_in_the_middle(jupyter, workspace, ours):
    """Whoever waits for the start is cancelled: what was started goes away."""
    import asyncio

    from jupyter_client.manager import AsyncKernelManager

    jupyter.spec()

    async def drop() -> None:
        manager = AsyncKernelManager(kernel_name="docker")
        task = asyncio.create_task(manager.start_kernel(cwd=str(workspace)))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(drop())
    eventually(lambda: ours() == set())


def test_root_outside_is_nobody_special_inside(jupyter):
    jupyter.spec()
    with jupyter.kernel() as kernel:
        uid = int(kernel.run("import os; print(os.getuid())"))
    assert uid == (1000 if os.getuid() == 0 else os.getuid())


def test_a_workspace_that_the_kernel_cannot_write_is_told(jupyter, workspace, caplog):
    if os.getuid() != 0:
        pytest.skip("only root's kernels are somebody else")
    workspace.chmod(0o755)
    jupyter.spec()
    with jupyter.kernel() as kernel:
        assert f"the kernel is user 1000, who may not write {workspace}" in caplog.text
        assert kernel.run("open('x', 'w')").startswith("PermissionError")


def test_asking_whether_it_lives_reaches_no_engine(jupyter):
    jupyter.spec()
    with jupyter.kernel() as kernel:
        began = time.perf_counter()
        for _ in range(200):
            assert kernel.manager.is_alive()
        assert (time.perf_counter() - began) / 200 < 0.005
        assert KernelManager is type(kernel.manager)


def test_an_image_that_was_deleted_is_built_or_told(jupyter, engine, base_image, kernel_image):
    """Ours is found again by what it is made of; what somebody named is told."""
    from autosota.server.kernels import launch

    jupyter.spec(base=base_image)
    with jupyter.kernel() as kernel:
        image = engine.client.api.inspect_container(kernel.container)["Image"]
    key = next(k for k, v in launch._IMAGES.items() if v == image)
    launch._IMAGES[key] = "sha256:" + "0" * 64  # as if it had been deleted meanwhile
    with jupyter.kernel() as kernel:
        assert engine.client.api.inspect_container(kernel.container)["Image"] == image


def test_a_kernel_without_gpus_where_some_are_wanted(jupyter, caplog):
    from autosota.server.containers import gpus

    if gpus.installed():
        pytest.skip("there are GPUs here")
    jupyter.spec(gpus=1)
    with pytest.raises(UserError, match="GPU"), jupyter.kernel():
        pass
    jupyter.spec(gpus=1, without_gpu="cpu")
    with jupyter.kernel() as kernel:
        assert "use the processor" in caplog.text
        assert kernel.run("import os; print(repr(os.environ['CUDA_VISIBLE_DEVICES']))") == "''\n"
