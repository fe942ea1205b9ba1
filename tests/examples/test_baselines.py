"""The bundled repositories, with their real libraries in managed environments: grade and number."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
AUTOSOTA = str(Path(sys.executable).with_name("autosota"))

pytestmark = [pytest.mark.campaign, pytest.mark.bwrap, pytest.mark.timeout(900)]


@pytest.mark.parametrize(
    ("name", "grade", "low", "high"),
    [("digits", "sealed", 0.89, 0.92), ("mnist1d", "overlaid", 0.87, 0.96)],
)
def test_the_baseline_is_reproduced_with_its_grade(tmp_path, name, grade, low, high):
    workspace = tmp_path / name
    shutil.copytree(EXAMPLES / name, workspace)
    objective = workspace / "autosota.toml"
    text = objective.read_text()
    assert "seeds = [0, 1, 2, 3, 4]" in text
    objective.write_text(text.replace("seeds = [0, 1, 2, 3, 4]", "seeds = [0, 1]"))
    ran = subprocess.run(
        [AUTOSOTA, "run", "--json", "--max-evaluations", "2"],
        cwd=workspace,
        capture_output=True,
        text=True,
        timeout=800,
    )
    assert ran.returncode == 1, ran.stdout[-2000:] + ran.stderr[-2000:]
    last = json.loads(ran.stdout.splitlines()[-1])
    assert last["verdict"] == "no_gain" and last["evaluations"] == 2
    assert last["isolation"] == grade
    assert low < last["baseline"] < high
    verified = subprocess.run([AUTOSOTA, "verify"], cwd=workspace, capture_output=True, text=True)
    assert verified.returncode == 0, verified.stderr
