"""What tests with real campaigns have in common: commands, notifications, processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psutil
from tests.server.campaign.conftest import Repository
from texts import VSCODE, place
from wire import Wire

OURS = {"views": True, "status": True, "asksReasons": True}


def greet(client: Wire, repository: Repository, **options: object) -> None:
    client.initialize((repository.root,), VSCODE, options={**OURS, **options})


def run(client: Wire, command: str, seconds: float = 60, **arguments: object) -> Any:
    params = {"command": f"autosota.{command}", "arguments": [arguments]}
    return client.request("workspace/executeCommand", params, seconds)


def refused(client: Wire, command: str, seconds: float = 60, **arguments: object) -> str:
    params = {"command": f"autosota.{command}", "arguments": [arguments]}
    return str(client.refusal("workspace/executeCommand", params, seconds)["message"])


def status(client: Wire, wanted: Callable[[Any], bool], seconds: float = 90) -> Any:
    found = client.wait(
        lambda m: m.get("method") == "autosota/status" and wanted(m["params"]), seconds
    )
    return found["params"]


def processes_in(repository: Repository) -> list[psutil.Process]:
    """Every process that works in the repository, or was started for it."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = [*(process.info["cmdline"] or []), process.info["cwd"] or ""]
        if any(str(repository.root) in word for word in words):
            found.append(process)
    return found


def opened(client: Wire, repository: Repository, name: str = "train.py") -> str:
    path = repository.root / name
    seen = len(client.heard)
    client.open(path.as_uri(), path.read_text())
    client.wait(lambda m: m.get("method") == "workspace/codeLens/refresh", 60, since=seen)
    return path.as_uri()


def lens_titles(client: Wire, uri: str) -> list[str]:
    params = {"textDocument": {"uri": uri}}
    return [x["command"]["title"] for x in client.request("textDocument/codeLens", params)]


def hints_of(client: Wire, uri: str) -> list[str]:
    whole = {"start": place(0, 0), "end": place(99, 0)}
    params = {"textDocument": {"uri": uri}, "range": whole}
    return [h["label"] for h in client.request("textDocument/inlayHint", params)]


def until(found: Callable[[], Any], seconds: float = 60) -> Any:
    """What is found, once it is anything at all."""
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, "it never happens"
        time.sleep(0.05)
    return value
