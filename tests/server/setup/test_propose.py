"""`autosota init` over whole repositories, as files on a disk."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autosota.agents.domain import Direction
from autosota.server.config import load_objective, read_objective
from autosota.server.errors import UserError
from autosota.server.sandbox.world import fill_in
from autosota.server.setup.propose import propose, write_proposal

EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples"


def loaded(root: Path):
    path, notes = write_proposal(root)
    assert path == root / "autosota.toml"
    return load_objective(root), notes


WANTED = {
    "sklearn": (
        "python train.py --random-state {seed}",
        "test_accuracy",
        "val_accuracy",
        Direction.MAXIMIZE,
    ),
    "torch_package": (
        "python -m tinynets.train --epochs 20 --output-dir {run_dir} --seed {seed}",
        "test_acc",
        "val_acc",
        Direction.MAXIMIZE,
    ),
    "hydra": (
        "python main.py model=mlp trainer.max_epochs=50 seed={seed} hydra.run.dir={run_dir}",
        "test_rmse",
        "val_rmse",
        Direction.MINIMIZE,
    ),
    "shell": (
        "bash scripts/run.sh {seed} {run_dir}",
        "test_perplexity",
        "val_perplexity",
        Direction.MINIMIZE,
    ),
    "evaluator": (
        "python train.py --out {run_dir} --seed {seed}",
        "test_accuracy",
        "val_accuracy",
        Direction.MAXIMIZE,
    ),
    "several": ("python train_boost.py {seed}", "test_f1", "test_f1", Direction.MAXIMIZE),
    "makefile": (
        "python3 experiment.py --save-path {run_dir}/run.json --n_iter 100 --seed {seed}",
        "test_nll",
        "valid_nll",
        Direction.MINIMIZE,
    ),
    "latin_readme": ("python main.py --seed {seed}", "mae", "mae", Direction.MINIMIZE),
    "spaces": (
        "cd 'my code' && python 'train it.py' --seed {seed}",
        "test_accuracy",
        "val_accuracy",
        Direction.MAXIMIZE,
    ),
    "no_metric": ("python train.py", "score", "score", Direction.MAXIMIZE),
}


def test_the_proposal_of_each_repository(laid, runnable):
    objective, _ = loaded(laid(runnable))
    told = (objective.command, objective.metric, objective.select_on, objective.direction)
    assert told == WANTED[runnable]


def test_every_value_says_where_it_came_from(laid, runnable):
    text = propose(laid(runnable)).text
    for line in text.splitlines():
        if re.match(r"\w+ = ", line) and line != "claims = [":  # each claim has its own
            assert "  # " in line, line


def test_proposing_twice_gives_the_same(laid, runnable):
    root = laid(runnable)
    assert propose(root) == propose(root)
    assert not (root / "autosota.toml").exists()


def test_the_parts_of_a_proposal(laid):
    objective, _ = loaded(laid("evaluator"))
    assert (
        objective.evaluate
        == "python evaluate.py --pred {run_dir}/pred.npy --labels labels/test.npy"
    )
    assert objective.protocol.evaluation == ("evaluate.py",)
    assert objective.protocol.data == ("data/**",)
    assert objective.protocol.labels == ("labels/**",)
    assert objective.environment.requirements_file == "requirements.txt"
    assert objective.paper.title == "Digits with less"
    (claim,) = objective.paper.claims
    assert (claim.metric, claim.value) == ("test_accuracy", 0.953)
    assert (objective.budget.evaluations, objective.budget.wall_seconds) == (100, 7200)


def test_json_and_claim_of_a_package(laid):
    objective, _ = loaded(laid("torch_package"))
    assert objective.metrics["test_acc"].source == "{run_dir}/metrics.json"
    assert objective.metrics["test_acc"].key == "test.acc"
    assert objective.paper.source == "arXiv:2101.01234"
    assert objective.paper.claims[0].value == pytest.approx(0.946)
    assert objective.controls.compute_knob.flag == "--epochs"
    assert objective.environment.requirements == ("torch>=2", "numpy")


def test_only_a_test_metric_is_lk112(laid):
    root = laid("several")
    proposed = propose(root)
    assert "LK112" in proposed.text
    assert any(n.startswith("LK112") for n in proposed.notes)
    write_proposal(root)
    assert any("LK112" in w for w in read_objective(root).warnings)


def test_equal_scripts_are_asked_about(laid):
    proposed = propose(laid("several"))
    assert any("as likely" in n and "train_forest.py" in n for n in proposed.notes)
    assert "# - python train_forest.py" in proposed.text


@pytest.mark.parametrize(
    ("name", "said"),
    [("notebook_only", "nbconvert --to script 'analysis one.ipynb'"), ("no_code", "looked for")],
)
def test_nothing_to_run_is_one_line_with_a_way_out(laid, name, said):
    with pytest.raises(UserError) as error:
        write_proposal(laid(name))
    text = str(error.value)
    assert said in text and "write autosota.toml by hand" in text and "\n" not in text


def test_an_objective_is_never_overwritten(laid):
    root = laid("sklearn", **{"autosota.toml": "mine"})
    with pytest.raises(UserError, match=r"autosota\.toml exists and is never overwritten"):
        write_proposal(root)
    assert (root / "autosota.toml").read_text() == "mine"
    (root / "autosota.toml").unlink()
    (root / "autosota.toml").symlink_to("elsewhere.toml")
    with pytest.raises(UserError, match="never overwritten"):
        write_proposal(root)
    assert not (root / "elsewhere.toml").exists()


def test_an_objective_in_pyproject_is_respected(laid):
    root = laid("sklearn", **{"pyproject.toml": "[tool.autosota.objective]\nmetric = 'a'\n"})
    with pytest.raises(UserError, match=r"pyproject\.toml holds \[tool\.autosota\]"):
        write_proposal(root)


def test_missing_folders_and_files(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        propose(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        propose(tmp_path / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder(laid):
    root = laid("sklearn")
    root.chmod(0o555)
    try:
        with pytest.raises(UserError, match="cannot write"):
            write_proposal(root)
    finally:
        root.chmod(0o755)


def test_a_sub_folder_points_to_the_whole_repository(laid):
    root = laid("no_code")
    subprocess.run(["git", "init", "-q", root], check=True)
    (root / "docs").mkdir()
    with pytest.raises(UserError, match=re.escape(f"autosota init {root.resolve()}")):
        propose(root / "docs")


RUNS = """\
import argparse, json, pathlib, random
parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--out-dir", type=pathlib.Path, default="out")
args = parser.parse_args()
random.seed(args.seed)
args.out_dir.mkdir(parents=True, exist_ok=True)
(args.out_dir / "r.json").write_text(json.dumps({"val": {"acc": random.random()}}))
print(f"Accuracy on the test set: {args.seed / 10:.2f}")
"""


def test_the_proposed_command_runs_and_its_metrics_are_where_it_says(tmp_path):
    root = tmp_path / "ein Ordner"
    root.mkdir()
    (root / "main.py").write_text(RUNS)
    objective, _ = loaded(root)
    out = tmp_path / "run 'a'"
    command = fill_in(objective.command, seed=7, run_dir=out)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python").symlink_to(sys.executable)
    path = f"{programs}:{os.environ['PATH']}"
    done = subprocess.run(
        command,
        shell=True,
        cwd=root,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    claim = objective.metrics[objective.metric]
    assert re.search(claim.pattern, done.stdout)["value"] == "0.70"
    selected = objective.metrics[objective.select_on]
    place = Path(selected.source.replace("{run_dir}", str(out)))
    assert (place.is_file(), selected.key) == (True, "val.acc")


@pytest.mark.parametrize("name", ["digits", "mnist1d"])
def test_our_own_examples_are_found_as_their_authors_wrote_them(tmp_path, name):
    if not (EXAMPLES / name / "autosota.toml").is_file():
        pytest.skip(f"docs/examples/{name} is not there")
    root = tmp_path / name
    shutil.copytree(EXAMPLES / name, root, ignore=shutil.ignore_patterns(".autosota"))
    wanted = load_objective(root)
    (root / "autosota.toml").unlink()
    found, _ = loaded(root)
    for field in ("command", "evaluate", "metric", "select_on", "direction", "seeds"):
        assert getattr(found, field) == getattr(wanted, field), field
    assert found.environment.requirements_file == wanted.environment.requirements_file
    # A person may keep more away than the code shows, and knows which data are drawn anew.
    assert set(wanted.protocol.data) <= set(found.protocol.data)
    assert set(found.protocol.labels) <= set(wanted.protocol.labels)
    assert bool(found.protocol.labels) == bool(wanted.protocol.labels)
    assert set(found.protocol.evaluation) <= set(wanted.protocol.evaluation)
    assert found.protocol.evaluation
    assert found.paper.source == wanted.paper.source
    assert {(c.metric, c.value) for c in found.paper.claims} <= {
        (c.metric, c.value) for c in wanted.paper.claims
    }


def test_no_compute_knob_behind_a_copy(tmp_path):
    """What is added to the end of the command would go to `cp`."""
    (tmp_path / "train.py").write_text(
        "import argparse, json\n"
        "p = argparse.ArgumentParser()\n"
        "p.add_argument('--seed', type=int)\n"
        "p.add_argument('--epochs', type=int, default=3)\n"
        "a = p.parse_args()\n"
        "model.fit(x)\n"
        "json.dump({'test_acc': acc, 'val_acc': val}, open('results.json', 'w'))\n"
    )
    objective, _ = loaded(tmp_path)
    assert " && cp results.json {run_dir}/" in objective.command
    assert objective.controls.compute_knob is None
