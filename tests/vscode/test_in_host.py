"""The extension inside VS Code's extension host, by VS Code's own API.

The cases are in `editor-client/test`; each is a test here. A suite runs once, in one window.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from folders import repository
from windows import inside
from workbench import EXTENSION, Code, Installed

pytestmark = pytest.mark.timeout(600)  # every wait inside has a shorter limit of its own

CASE = re.compile(r'^  "([^"]+)": async \(\) => {$', re.MULTILINE)


def cases(suite: str) -> list[str]:
    found = CASE.findall((EXTENSION / "test" / f"{suite}.js").read_text())
    assert found
    return found


def expect(ends: dict[str, Any], case: str) -> None:
    """The case ended well; else its words, and those of the window."""
    if case not in ends:
        pytest.fail(f"it was not reached\n{ends['']['message']}", pytrace=False)
    if not ends[case]["ok"]:
        pytest.fail(f"{ends[case]['message']}\n{ends['']['message']}", pytrace=False)


@pytest.fixture(scope="module")
def trusted(code: Code, extension: Path) -> dict[str, Any]:
    folder = code.home / "trusted, größer"
    repository(folder)
    return inside(code, extension, "trusted", folder)


@pytest.mark.parametrize("case", cases("trusted"))
def test_trusted(trusted: dict[str, Any], case: str) -> None:
    expect(trusted, case)


@pytest.fixture(scope="module")
def untrusted(installed: Installed, extension: Path, home: Path) -> Iterator[dict[str, Any]]:
    """In a VS Code of its own, which trusts nothing."""
    wary = Code(installed, home / "wary", trusting=False)
    wary.start()
    try:
        folder = wary.home / "untrusted"
        repository(folder)
        trap = folder / "interpreter"
        trap.write_text(f"#!/bin/sh\ntouch '{folder}/was-run'\n")
        trap.chmod(0o755)
        (folder / ".vscode").mkdir()
        named = f'{{"autosota.interpreter": "{trap}"}}'
        (folder / ".vscode" / "settings.json").write_text(named)
        yield inside(wary, extension, "untrusted", folder)
    finally:
        wary.stop()


@pytest.mark.parametrize("case", cases("untrusted"))
def test_untrusted(untrusted: dict[str, Any], case: str) -> None:
    expect(untrusted, case)


def test_every_suite_is_run() -> None:
    files = {path.stem for path in (EXTENSION / "test").glob("*.js")}
    assert files - {"suite"} == {"trusted", "untrusted", "python", "crash"}
