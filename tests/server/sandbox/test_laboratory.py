"""The laboratory of a campaign: what it says of the code and data, and fresh environments."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from autosota.agents.domain import (
    ComputeKnob,
    Controls,
    Environment,
    Objective,
    Outcome,
    Protocol,
    Purpose,
    RowsControl,
    RunRequest,
    Variant,
)
from autosota.agents.scheduler import events as ev
from autosota.server.laboratory import SandboxLaboratory
from autosota.server.sandbox.permute import ControlNotPossible
from autosota.server.workspace.root import prepare_state
from autosota.server.workspace.store import GitWorkspace

TRAIN = """
import argparse, sys
p = argparse.ArgumentParser()
p.add_argument("--seed", type=int)
p.add_argument("--epochs", type=int, default=4)
a = p.parse_args()
rows = [line.split(",") for line in open("data/train.csv").read().split()[1:]]
print("interpreter", sys.prefix)
print("METRIC epochs=%d" % a.epochs)
print("METRIC val_acc=%f" % (sum(x == y for x, y in rows) / len(rows)))
print("METRIC test_acc=0.5")
"""


@dataclass
class Lab:
    """A laboratory over a small repository."""

    laboratory: SandboxLaboratory
    base: str
    state: Path

    def request(self, run_id: str, **variant: object) -> RunRequest:
        return RunRequest(
            run_id=run_id,
            campaign="c1",
            purpose=Purpose.CONTROL,
            side="baseline",
            commit=self.base,
            base_commit=self.base,
            seed=1,
            mask_claim=False,
            variant=Variant(**variant),  # type: ignore[arg-type]
        )


def laboratory(root: Path, workspace: GitWorkspace, python: str = "") -> Lab:
    objective = Objective(
        "python train.py --seed {seed}",
        "test_acc",
        "val_acc",
        protocol=Protocol(data=("data/**",), labels=("labels/**",)),
        controls=Controls(compute_knob=ComputeKnob("--epochs")),
        evaluate="true",
        environment=Environment(python=python),
    )
    prepare_state(root)
    snapshot = workspace.snapshot(["data/**", "labels/**"])
    started = ev.CampaignStarted(objective, "0" * 64, snapshot.commit, False, "test")
    lab = SandboxLaboratory(
        workspace, root / ".autosota", started, offline=True, note=lambda _: None
    )
    return Lab(lab, snapshot.commit, root / ".autosota")


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, GitWorkspace]]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "repo"
    (root / "data").mkdir(parents=True)
    (root / "labels").mkdir()
    rows = "".join(f"{n},{n}\n" for n in range(20))
    (root / "data" / "train.csv").write_text("x,y\n" + rows)
    (root / "data" / "test.csv").write_text("x,y\n3,3\n90,90\n")
    (root / "labels" / "test.csv").write_text("x,y\n4,4\n")
    (root / "train.py").write_text(TRAIN)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    with GitWorkspace(root) as workspace:
        yield root, workspace


def test_analysis_and_variants_and_a_fresh_environment(opened, tmp_path):
    lab = laboratory(*opened)
    known = lab.laboratory.prepare()
    analysed = lab.laboratory.analyse()
    assert analysed.compute_knob == 4.0
    assert analysed.probes == ("data/test.csv: 1 of 2 rows (50.0 %) are also in data/train.csv",)
    plain = lab.laboratory.run(lab.request("plain"))
    assert (plain.outcome, plain.value("val_acc")) == (Outcome.OK, 1.0), plain.reason
    longer = lab.laboratory.run(lab.request("longer", name="compute", arguments="--epochs 9"))
    assert (longer.value("epochs"), longer.variant) == (9.0, "compute")
    moved = lab.laboratory.run(
        lab.request("moved", name="labels", permute=RowsControl("data/train.csv", "y"))
    )
    assert moved.value("val_acc") < 0.5
    fresh = lab.laboratory.run(lab.request("fresh", name="fresh", fresh_environment=True))
    assert fresh.outcome is Outcome.OK, fresh.reason
    assert (fresh.value("val_acc"), fresh.variant) == (1.0, "fresh")
    assert fresh.environment_hash == known.environment_hash
    first, second = (
        (lab.state / "runs" / name / "stdout.log").read_text().splitlines()[0]
        for name in ("plain", "fresh")
    )
    assert "/envs/fresh-" in second and "/envs/fresh-" not in first
    left = [p.name for p in (tmp_path / "cache" / "autosota" / "envs").iterdir() if p.is_dir()]
    assert [name for name in left if name.startswith("fresh-")] == []
    assert len(left) == 1
    lab.laboratory.cancel()
    stopped = lab.laboratory.run(lab.request("stopped", fresh_environment=True))
    assert stopped.outcome is Outcome.STOPPED


def test_an_existing_interpreter_is_not_rebuilt(opened):
    import sys

    lab = laboratory(*opened, python=sys.executable)
    lab.laboratory.prepare()
    lab.laboratory.analyse()
    with pytest.raises(ControlNotPossible, match="an existing interpreter cannot be rebuilt"):
        lab.laboratory.run(lab.request("fresh", fresh_environment=True))
