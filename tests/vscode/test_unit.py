"""The extension's own checks: its types, and the tests that need no VS Code."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


@pytest.mark.parametrize("script", ["check", "test"])
def test_the_extensions_own(extension: Path, script: str) -> None:
    done = subprocess.run(
        ["npm", "run", script], cwd=extension, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}{done.stderr[-3000:]}"
