"""Which Python the extension takes, and what it does when its server ends again and again."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from folders import repository
from test_in_host import cases, expect
from windows import inside, scenario
from workbench import HERE, Code, Installed


def as_vsix(folder: Path, made: Path) -> Path:
    """An extension's folder as a file that can be installed."""
    with zipfile.ZipFile(made, "w") as vsix:
        for path in folder.iterdir():
            vsix.write(path, f"extension/{path.name}")
    return made


@pytest.fixture(scope="module")
def python(
    installed: Installed, extension: Path, home: Path, monkeypatch_module: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    """In a VS Code of its own, with a stand-in for the Python extension and no setting."""
    monkeypatch_module.setenv("AUTOSOTA_TEST_PYTHON", sys.executable)
    beside = Code(installed, home / "beside", settings={"autosota.interpreter": ""})
    beside.home.mkdir()
    beside.install(as_vsix(HERE / "standins" / "python", beside.home / "python.vsix"))
    beside.start()
    try:
        folder = beside.home / "folder"
        repository(folder)
        yield inside(beside, extension, "python", folder)
    finally:
        beside.stop()


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.mark.parametrize("case", cases("python"))
def test_python(python: dict[str, Any], case: str) -> None:
    expect(python, case)


@pytest.fixture(scope="module")
def crash(code: Code, extension: Path) -> dict[str, Any]:
    folder = code.home / "crash"
    repository(folder)
    return inside(code, extension, "crash", folder, 180)


@pytest.mark.parametrize("case", cases("crash"))
def test_crash(crash: dict[str, Any], case: str) -> None:
    expect(crash, case)


def test_trust_brings_the_rest(installed: Installed, extension: Path, home: Path) -> None:
    asking = Code(installed, home / "asking", trusting=False)
    asking.install(extension / "build" / "autosota.vsix")
    asking.start()
    try:
        folder = asking.home / "folder"
        repository(folder)
        assert scenario(asking, "trust", folder, 150)["before"] == 0
    finally:
        asking.stop()


def test_without_an_interpreter_there_is_a_way_out(
    installed: Installed, extension: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = Code(installed, home / "bare", settings={"autosota.interpreter": ""})
    bare.install(extension / "build" / "autosota.vsix")
    # no Python of the search path is ours, whatever runs these tests
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    bare.start()
    try:
        folder = bare.home / "folder"
        repository(folder)
        told = scenario(bare, "missing", folder, 150, python=sys.executable)
        assert [n for n in told["notices"] if "AutoSOTA" in n] == [
            "AutoSOTA: No Python environment here has AutoSOTA installed."
        ]
    finally:
        bare.stop()
