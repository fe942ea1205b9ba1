"""What a person does in VS Code, by keys and mouse, with screenshots in `.cache/vscode-screens`.

What a scenario returns, and what it left on disk and among the processes, is judged here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from folders import repository
from windows import scenario
from workbench import Code, wait_for

pytestmark = pytest.mark.timeout(600)  # every wait inside has a shorter limit of its own


@pytest.fixture
def folder(code: Code, request: pytest.FixtureRequest) -> Path:
    """A repository of the test's own, in a folder named after it."""
    made = code.home / request.node.name.removeprefix("test_")
    repository(made)
    return made


def test_a_leak_is_typed_fixed_silenced_and_survives_a_crash(code: Code, folder: Path) -> None:
    told = scenario(code, "leak", folder)
    lines = [line.strip() for line in told["fixed"].splitlines()]
    assert "X_train = scaler.fit_transform(X_train)" in lines
    assert "X_test = scaler.transform(X_test)" in lines
    assert "X = StandardScaler().fit_transform(X)" not in lines
    assert "fit_transform(X)  # autosota: ignore[LK101] the paper did it so" in told["silenced"]
    assert told["killed"] == 1


def test_a_leak_in_a_notebook_is_fixed_and_silenced(code: Code, folder: Path) -> None:
    told = scenario(code, "notebook", folder)
    cells = ["".join(cell["source"]) for cell in json.loads(told["fixed"])["cells"]]
    assert "StandardScaler().fit_transform(X)\n" not in cells[3]
    assert "X_train = scaler.fit_transform(X_train)\n" in cells[3]
    cells = ["".join(cell["source"]) for cell in json.loads(told["silenced"])["cells"]]
    assert "fit_transform(X)  # autosota: ignore[LK101] only to look at the data\n" in cells[3]


@pytest.fixture(scope="module")
def improved(code: Code) -> tuple[Path, str, Any]:
    """A repository, its script before, and what happened while an idea was confirmed in it."""
    made = code.home / "improved"
    repository(made)
    was = (made / "train.py").read_text()
    return made, was, scenario(code, "idea", made)


def test_an_idea_is_previewed_applied_run_and_has_its_badge(
    code: Code, improved: tuple[Path, str, Any]
) -> None:
    folder, was, told = improved
    assert told["patched"] != was
    assert all("not tried" in row for row in told["before"] if "PARAM" in row), told["before"]
    best = told["after"][0]
    assert "confirmed" in best and " %" in best and ": +" in best, told["after"]
    assert (folder / "train.py").read_text() == was  # a campaign writes nothing of the user's
    nothing_runs(code, folder)


def test_what_a_campaign_left_is_shown(code: Code, improved: tuple[Path, str, Any]) -> None:
    folder, _, _ = improved
    told = scenario(code, "views", folder)
    assert any("Baseline" in row or "baseline" in row for row in told["rows"]), told["rows"]
    assert "versions of the code, in the order they were run" in told["metrics"]
    assert "paired fresh seeds" in told["report"]
    nothing_runs(code, folder)


def test_a_campaign_is_started_toggled_and_stopped(code: Code, folder: Path) -> None:
    objective = folder / "autosota.toml"
    objective.write_text(objective.read_text() + '\n[autonomy]\nmode = "autonomous"\n')
    scenario(code, "campaign", folder)
    nothing_runs(code, folder)


def nothing_runs(code: Code, folder: Path) -> None:
    """No process of the folder is left once its window is closed: server, campaign, runs."""

    def left() -> list[object]:
        of_folder = [p for p in code.processes() if any(str(folder) in w for w in words(p))]
        return [*of_folder, *code.processes(("autosota.lsp",))]

    wait_for(left, 15, f"every process of {folder.name} to have ended")


def words(process: object) -> list[str]:
    import psutil

    assert isinstance(process, psutil.Process)
    try:
        return [*process.cmdline(), process.cwd()]
    except psutil.Error:
        return []
