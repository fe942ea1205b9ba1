"""Kernels in containers, as a client has them."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

READY_SECONDS = 60
ANSWER_SECONDS = 60


def eventually(what: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for something that happens elsewhere."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def reply(client: Any, request: str) -> dict[str, Any]:
    """The content of the answer to a request."""
    while True:
        message: dict[str, Any] = client.get_shell_msg(timeout=ANSWER_SECONDS)
        if message["parent_header"]["msg_id"] == request:
            content: dict[str, Any] = message["content"]
            return content


class Jupyter:
    """A folder of kernelspecs that clients look at, and a workspace for their kernels."""

    def __init__(self, folder: Path, image: str, workspace: Path) -> None:
        self.folder, self.image, self.workspace = folder, image, workspace

    def spec(self, name: str = "docker", argv: list[str] | None = None, **config: Any) -> str:
        """Register a kernel; `interrupt`, `env` are of the kernelspec, the rest of its config."""
        interrupt = config.pop("interrupt", "message")
        env = config.pop("env", {})
        if "base" not in config:
            config.setdefault("image", self.image)
        told = {
            "argv": argv or ["python3", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "display_name": name,
            "language": "python",
            "interrupt_mode": interrupt,
            "env": env,
            "metadata": {
                "supported_encryption": ["curve"],
                "kernel_provisioner": {"provisioner_name": "autosota-docker", "config": config},
            },
        }
        place = self.folder / "kernels" / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "kernel.json").write_text(json.dumps(told))
        return name

    @contextlib.contextmanager
    def kernel(self, name: str = "docker", **options: Any) -> Iterator[Kernel]:
        """A running kernel that answers; `cwd` and traits of the manager are options."""
        cwd = str(options.pop("cwd", self.workspace))
        ready = options.pop("ready", True)
        manager = KernelManager(kernel_name=name, **options)
        try:
            manager.start_kernel(cwd=cwd)
            one = Kernel(manager)
            try:
                if ready:
                    one.wait()
                yield one
            finally:
                one.client.stop_channels()
        finally:
            manager.shutdown_kernel(now=True)


class Kernel:
    """A kernel and a client of it."""

    def __init__(self, manager: KernelManager) -> None:
        self.manager = manager
        self.client = manager.client()
        self.client.start_channels()

    @property
    def provisioner(self) -> Any:
        return self.manager.provisioner

    @property
    def container(self) -> str:
        return str(self.provisioner._kernel.container)

    def wait(self) -> None:
        self.client.wait_for_ready(timeout=READY_SECONDS)

    def again(self) -> None:
        """A new client, after a restart."""
        self.client.stop_channels()
        self.client = self.manager.client()
        self.client.start_channels()
        self.wait()

    def run(self, code: str, seconds: float = ANSWER_SECONDS) -> str:
        """What code prints; its error's name and value when it fails."""
        out: list[str] = []

        def hook(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                out.append(content["text"])
            elif message["msg_type"] == "error":
                out.append(f"{content['ename']}: {content['evalue']}")

        self.client.execute_interactive(
            code, output_hook=hook, timeout=seconds, stop_on_error=False, allow_stdin=False
        )
        return "".join(out)

    def begin(self, code: str) -> str:
        """Have code run that prints `on`; the request, once it did.

        What is sent right after an error is dropped by kernels, unless the request says no.
        """
        request: str = self.client.execute(code, stop_on_error=False)
        while self.client.get_iopub_msg(timeout=ANSWER_SECONDS)["msg_type"] != "stream":
            pass
        return request

    def reply(self, request: str) -> dict[str, Any]:
        """The answer to a request; a slow start leaves answers to others in the way."""
        return reply(self.client, request)

    def run_until_death(self, code: str) -> str:
        """What clients are told while code runs that the kernel does not survive."""
        self.client.execute(code)
        out: list[str] = []
        deadline = time.monotonic() + ANSWER_SECONDS
        silent = False
        while not silent:
            assert time.monotonic() < deadline, "it lives"
            silent = not self.manager.is_alive()
            with contextlib.suppress(Empty):
                message = self.client.get_iopub_msg(timeout=0.5)
                silent = False
                if message["msg_type"] == "stream":
                    out.append(message["content"]["text"])
        return "".join(out)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A folder that the user inside may write, whoever that is."""
    folder = tmp_path / "work"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


@pytest.fixture
def jupyter(
    tmp_path: Path, workspace: Path, kernel_image: str, monkeypatch: pytest.MonkeyPatch
) -> Jupyter:
    """Kernelspecs of the test's own."""
    folder = tmp_path / "jupyter"
    monkeypatch.setenv("JUPYTER_PATH", str(folder))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    return Jupyter(folder, kernel_image, workspace)


@pytest.fixture
def ours(engine) -> Callable[[], set[str]]:
    """The containers that this process owns, and the private folders."""
    from autosota.server.containers.labels import OWNER, owner

    def look() -> set[str]:
        label = f"{OWNER}={owner()}"
        found = engine.client.api.containers(all=True, filters={"label": label})
        _, pid, start = owner().split(":")
        folders = Path("/tmp").glob(f"autosota-*-{pid}-{start}-*")
        return {one["Id"] for one in found} | {str(folder) for folder in folders}

    return look


def threads() -> set[str]:
    return {t.name for t in threading.enumerate() if t.name.startswith("kernel-")}


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))
