"""Any Jupyter client starts the kernel: managers, nbclient, papermill, a server over REST."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest
from jupyter_client import BlockingKernelClient
from jupyter_client.connect import write_connection_file
from jupyter_client.manager import AsyncKernelManager
from tests.server.kernels.conftest import eventually, reply

from autosota.server.kernels import spec

TOKEN = "a-token-of-the-test"


def notebook(*cells: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])


def test_the_asynchronous_manager(jupyter, workspace):
    jupyter.spec()

    async def use() -> str:
        manager = AsyncKernelManager(kernel_name="docker")
        await manager.start_kernel(cwd=str(workspace))
        client = manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=60)
            out: list[str] = []

            def hook(message: dict[str, Any]) -> None:
                if message["msg_type"] == "stream":
                    out.append(message["content"]["text"])

            await client.execute_interactive("print(6 * 7)", output_hook=hook, timeout=30)
            return "".join(out)
        finally:
            client.stop_channels()
            await manager.shutdown_kernel()

    assert asyncio.run(use()) == "42\n"


def test_nbclient_runs_a_notebook(jupyter, workspace):
    jupyter.spec()
    book = notebook("x = 20", "print(x * 2 + 2)", "open('made', 'w').write('by a cell')")
    nbclient.NotebookClient(
        book, kernel_name="docker", resources={"metadata": {"path": str(workspace)}}
    ).execute()
    assert book.cells[1].outputs[0]["text"] == "42\n"
    assert (workspace / "made").read_text() == "by a cell"


def test_nbclient_gets_the_reason_below_the_cell(jupyter, workspace):
    jupyter.spec(memory="200MiB")
    book = notebook("1", "kept = []\nwhile True: kept.append(b'x' * 10_000_000)")
    with pytest.raises(nbclient.exceptions.DeadKernelError):
        nbclient.NotebookClient(
            book, kernel_name="docker", resources={"metadata": {"path": str(workspace)}}
        ).execute()
    (output,) = book.cells[1].outputs
    assert output["name"] == "stderr"
    assert "ran out of its 200 MiB of memory" in output["text"]


def test_papermill_runs_a_notebook(jupyter, workspace):
    papermill = pytest.importorskip("papermill")
    jupyter.spec()
    book = notebook("x = 1", "print(x)")
    book.cells[0].metadata["tags"] = ["parameters"]
    book.metadata["kernelspec"] = {"name": "docker", "display_name": "d", "language": "python"}
    nbformat.write(book, workspace / "in.ipynb")
    out = papermill.execute_notebook(
        str(workspace / "in.ipynb"),
        str(workspace / "out.ipynb"),
        parameters={"x": 42},
        cwd=str(workspace),
        progress_bar=False,
    )
    assert out.cells[-1].outputs[0]["text"] == "42\n"


class Server:
    """A Jupyter server of the test's own, spoken to over REST."""

    def __init__(self, root: Path, log: Path) -> None:
        words = [sys.executable, "-m", "jupyter_server", "--port=0", "--no-browser"]
        words += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}"]
        words += ["--allow-root"] if os.getuid() == 0 else []
        env = {**os.environ, "SERVER_SECRET": "sk-secret"}
        with log.open("wb") as file:
            self.process = subprocess.Popen(words, stdout=file, stderr=file, env=env)
        self.log = log
        pattern = re.compile(r"http://127\.0\.0\.1:(\d+)/")
        eventually(lambda: pattern.search(log.read_text()), 60)
        found = pattern.search(log.read_text())
        assert found is not None
        self.url = f"http://127.0.0.1:{found[1]}/api"
        eventually(self.answers, 60)

    def answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return bool(self.ask("GET", "/status"))
        except urllib.error.URLError:
            return False

    def ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {TOKEN}"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def client(self, kernel: str) -> BlockingKernelClient:
        file = Path(os.environ["JUPYTER_RUNTIME_DIR"], f"kernel-{kernel}.json")
        client = BlockingKernelClient(connection_file=str(file))
        client.load_connection_file()
        client.start_channels()
        return client

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@pytest.fixture
def server(jupyter, workspace, tmp_path) -> Iterator[Server]:
    made = Server(workspace, tmp_path / "server.log")
    yield made
    made.stop()


def said(client: BlockingKernelClient, code: str) -> str:
    out: list[str] = []

    def hook(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            out.append(message["content"]["text"])

    client.execute_interactive(code, output_hook=hook, timeout=60)
    return "".join(out)


def test_a_server_starts_restarts_interrupts_and_ends_it(jupyter, workspace, server, engine):
    jupyter.spec()
    (workspace / "sub").mkdir(mode=0o777)
    began = time.monotonic()
    kernel = server.ask("POST", "/kernels", {"name": "docker", "path": "sub/a.ipynb"})
    assert time.monotonic() - began < 20
    client = server.client(kernel["id"])
    try:
        client.wait_for_ready(timeout=60)
        assert said(client, "import os; print(os.getcwd())") == f"{workspace}/sub\n"
        assert said(client, "print('SERVER_SECRET' in os.environ)") == "False\n"
        request = client.execute("import time; print('on', flush=True); time.sleep(600)")
        while client.get_iopub_msg(timeout=30)["msg_type"] != "stream":
            pass
        server.ask("POST", f"/kernels/{kernel['id']}/interrupt", {})
        assert reply(client, request)["ename"] == "KeyboardInterrupt"
        server.ask("POST", f"/kernels/{kernel['id']}/restart", {})
        client.wait_for_ready(timeout=60)
        assert said(client, "print('os' in dir())") == "False\n"
    finally:
        client.stop_channels()
    server.ask("DELETE", f"/kernels/{kernel['id']}")
    assert server.ask("GET", "/kernels") == []


def test_a_server_restarts_a_kernel_that_died_and_says_why(jupyter, server):
    jupyter.spec(memory="200MiB")
    kernel = server.ask("POST", "/kernels", {"name": "docker", "path": ""})
    client = server.client(kernel["id"])
    try:
        client.wait_for_ready(timeout=60)
        client.execute("x = 1\nkept = []\nwhile True: kept.append(b'x' * 10_000_000)")
        eventually(lambda: "ran out of its 200 MiB" in server.log.read_text(), 60)
        eventually(lambda: "restarting kernel" in server.log.read_text(), 30)
        assert "ran out of its 200 MiB" in server.ask("GET", f"/kernels/{kernel['id']}")["reason"]
        deadline = time.monotonic() + 60
        while True:
            try:
                client.wait_for_ready(timeout=10)
                break
            except RuntimeError:
                assert time.monotonic() < deadline
        assert said(client, "print('x' in dir())") == "False\n"
    finally:
        client.stop_channels()


def test_a_server_tells_whoever_asked_why_a_kernel_cannot_start(jupyter, server):
    jupyter.spec(image="local/there-is-no-such:image")
    with pytest.raises(urllib.error.HTTPError) as told:
        server.ask("POST", "/kernels", {"name": "docker", "path": ""})
    assert told.value.code == 503
    answer = json.loads(told.value.read())
    assert answer["message"].startswith(
        "local/there-is-no-such:image: the engine has no such image"
    )


def test_a_killed_servers_kernels_are_removed_by_the_next(jupyter, server, engine, workspace):
    jupyter.spec()
    server.ask("POST", "/kernels", {"name": "docker", "path": ""})
    label = f"autosota.workspace={workspace}"
    (left,) = engine.client.api.containers(filters={"label": label})
    folder = Path(left["Labels"]["autosota.scratch"])
    server.process.kill()
    server.process.wait()
    assert engine.client.api.containers(filters={"label": label}), "nobody is there to remove it"
    assert folder.exists()
    code = (
        "import time; from jupyter_client.manager import KernelManager\n"
        "m = KernelManager(kernel_name='docker'); m.start_kernel(cwd='/tmp')\n"
        "time.sleep(3); m.shutdown_kernel(now=True)"
    )
    jupyter.spec(workspace="none")
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    eventually(lambda: not engine.client.api.containers(all=True, filters={"label": label}))
    eventually(lambda: not folder.exists())


@pytest.fixture
def words(jupyter, kernel_image, tmp_path) -> list[str]:
    """How programs start a kernel that know no provisioners, such as VS Code."""
    made = spec.install("own", "Own", {"image": kernel_image}, tmp_path / "k", everywhere=True)
    file, _ = write_connection_file(str(tmp_path / "c.json"), ip="127.0.0.1", key=b"secret")
    argv = json.loads((made.folder / "kernel.json").read_text())["argv"]
    return [word.replace("{connection_file}", file) for word in argv]


@pytest.fixture
def stand_in(words, workspace, tmp_path):
    """A kernel that was started so, and a client."""
    file = str(tmp_path / "c.json")
    process = subprocess.Popen(words, cwd=workspace, stderr=subprocess.PIPE, text=True)
    client = BlockingKernelClient(connection_file=file)
    client.load_connection_file()
    client.start_channels()
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                client.wait_for_ready(timeout=10)
                break
            except RuntimeError:  # its heart does not beat before it runs
                assert time.monotonic() < deadline
        yield process, client
    finally:
        client.stop_channels()
        process.terminate()
        process.wait(20)


def test_a_stand_in_serves_clients_that_know_only_ports(stand_in, workspace):
    process, client = stand_in
    assert said(client, "import os; print(os.listdir('/sys/class/net'))") == "['lo']\n"
    assert said(client, "print(os.getcwd())") == f"{workspace}\n"
    assert len(said(client, "print('x' * 10_000_000)")) == 10_000_001
    request = client.execute("import time; print('on', flush=True); time.sleep(600)")
    while client.get_iopub_msg(timeout=30)["msg_type"] != "stream":
        pass
    process.send_signal(signal.SIGINT)
    assert reply(client, request)["ename"] == "KeyboardInterrupt"


def test_a_stand_in_ends_with_its_kernel_and_its_kernel_with_it(stand_in, engine, workspace):
    process, client = stand_in
    label = f"autosota.workspace={workspace}"
    assert len(engine.client.api.containers(filters={"label": label})) == 1
    client.execute("import os; os._exit(5)")
    assert process.wait(20) == 5
    assert "the kernel ended with exit code 5" in process.stderr.read()
    assert engine.client.api.containers(all=True, filters={"label": label}) == []


def test_a_stand_in_told_to_end_ends_its_kernel(stand_in, engine, workspace):
    process, _ = stand_in
    process.terminate()
    assert process.wait(20) == 0
    label = f"autosota.workspace={workspace}"
    assert engine.client.api.containers(all=True, filters={"label": label}) == []


def test_a_stand_in_does_not_outlive_whoever_started_it(words, engine, workspace):
    code = "import subprocess, sys; subprocess.Popen(sys.argv[1:]); sys.stdin.read()"
    program = [sys.executable, "-c", code, *words]
    parent = subprocess.Popen(program, cwd=workspace, stdin=subprocess.PIPE)
    label = f"autosota.workspace={workspace}"
    eventually(lambda: engine.client.api.containers(filters={"label": label}))
    parent.kill()
    parent.wait()
    eventually(lambda: not engine.client.api.containers(all=True, filters={"label": label}))
