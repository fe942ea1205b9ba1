"""Windows on a running VS Code, each driven by a Node process that ends with it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
from workbench import HERE, SCREENS, Code

UI = HERE / "ui"


def scenario(code: Code, name: str, workspace: Path, seconds: float = 240.0, **more: object) -> Any:
    """Run `scenarios/NAME.mjs` in a window on a folder; gives what it returns.

    Raises:
        AssertionError: With its message, the last screenshot's path and the ends of the logs.
    """
    url = code.url(workspace)
    script = ["run.mjs", str(HERE / "scenarios" / f"{name}.mjs")]
    told = _drive(code, script, name, workspace, seconds, {"url": url, **more})
    if not told["ok"]:
        why = _failure(code, told)
        for left in code.processes(("autosota.lsp", "--type=extensionHost")):
            with contextlib.suppress(psutil.Error):  # a window without farewell is waited for
                for one in [*left.children(recursive=True), left]:
                    one.kill()
        raise AssertionError(why)
    return told.get("result")


def inside(
    code: Code, extension: Path, suite: str, workspace: Path, seconds: float = 150.0
) -> dict[str, Any]:
    """Run `test/SUITE.js` of the extension in its host; gives each case's end by its name.

    The key `""` is how the window ended.
    """
    results = code.home / "results" / f"{suite}.jsonl"
    results.unlink(missing_ok=True)
    url = code.url(
        workspace,
        ("extensionDevelopmentPath", code.remote(extension)),
        ("extensionTestsPath", code.remote(extension / "test" / f"{suite}.js")),
    )
    told = _drive(code, ["inside.mjs"], suite, workspace, seconds + 60, {"url": url}, seconds)
    lines = results.read_text().splitlines() if results.exists() else []
    ends = {row["name"]: row for row in map(json.loads, lines)}
    return {**ends, "": {**told, "message": _failure(code, told)}}


def _drive(
    code: Code,
    script: list[str],
    name: str,
    workspace: Path,
    limit: float,
    more: Mapping[str, object],
    seconds: float = 0.0,
) -> dict[str, Any]:
    screens = SCREENS / name
    shutil.rmtree(screens, ignore_errors=True)
    context = {
        "folder": str(code.installed.folder),
        "browser": code.installed.browser,
        "workspace": str(workspace),
        "screens": str(screens),
        "seconds": seconds,
        **more,
    }
    process = subprocess.Popen(
        [code.installed.node, str(UI / script[0]), *script[1:]],
        env=code.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(json.dumps(context), timeout=limit)
    except subprocess.TimeoutExpired:
        out, err = "", f"{name}: no end after {limit:.0f} s"
    finally:  # with the browser, which is of its group
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    lines = out.strip().splitlines()
    try:
        told: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, json.JSONDecodeError):
        told = {"ok": False, "message": f"{out[-2000:]}\n{err[-2000:]}"}
    return told


def _failure(code: Code, told: Mapping[str, Any]) -> str:
    said = "\n".join(str(line)[:300] for line in told.get("said", ()))
    parts = [told.get("message", ""), f"screenshot: {told.get('screenshot')}"]
    parts += [f"the window's console:\n{said}"] if said else []
    return "\n".join([*map(str, parts), f"logs:\n{code.logs()}"])
