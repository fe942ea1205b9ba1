"""One VS Code with our extension, shared by all tests of this folder.

Without a browser or without what `.ci/vscode` installs such a test is skipped with the reason; in
CI it fails. The extension is built from the working tree, as its users get it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from workbench import CHECKOUT, EXTENSION, Code, Installed, Unavailable, wait_for


@pytest.fixture(scope="session")
def installed() -> Installed:
    """What `.ci/vscode` made; without it the test is skipped, or fails in CI."""
    try:
        return Installed.find()
    except Unavailable as why:
        if os.environ.get("CI"):
            pytest.fail(f"needed in CI: {why}", pytrace=False)
        pytest.skip(str(why))


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A folder for everything of these tests; its path is short, as sockets lie in it."""
    made = Path(tempfile.mkdtemp(prefix="vscode-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def extension(installed: Installed, home: Path) -> Path:
    """The extension's folder with all that is built from it: a copy, which nobody else builds in.

    `build/autosota.vsix` is what users install.
    """
    modules, lock = EXTENSION / "node_modules", EXTENSION / "package-lock.json"
    marker = modules / ".package-lock.json"
    if not marker.exists() or marker.stat().st_mtime < lock.stat().st_mtime:
        _npm(EXTENSION, "ci", "--no-audit", "--no-fund")
    made = home / "extension"
    shutil.copytree(EXTENSION, made, ignore=shutil.ignore_patterns("node_modules", "dist", "build"))
    (made / "node_modules").symlink_to(modules)
    (home / "server").symlink_to(CHECKOUT / "server")  # whose templates its own tests read
    _npm(made, "run", "package")
    return made


def _npm(folder: Path, *words: str) -> None:
    done = subprocess.run(["npm", *words], cwd=folder, capture_output=True, text=True, timeout=240)
    said = f"{done.stdout[-3000:]}{done.stderr[-3000:]}"
    assert done.returncode == 0, f"npm {' '.join(words)}:\n{said}"


@pytest.fixture(scope="session")
def code(installed: Installed, extension: Path, home: Path) -> Iterator[Code]:
    """A running VS Code in which every folder is trusted."""
    made = Code(installed, home / "code")
    made.install(extension / "build" / "autosota.vsix")
    made.start()
    try:
        yield made
        wait_for(made.strays, 15, "every window's processes to have ended")
    finally:
        made.stop()
