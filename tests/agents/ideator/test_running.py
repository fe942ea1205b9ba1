"""The changed samples really run."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.domain import Boundary
from autosota.agents.ideator import NotApplicable, implement, propose

RUN = ("logistic", "forest", "regression", "ridge")
TORCH = ("convnet", "steps", "flat", "attention", "pictures", "lit")
RUNNER = """
import contextlib, io, json, sys, traceback, warnings
warnings.simplefilter("ignore")
sys.argv = ["train.py"]
failed = {}
for name, code in json.load(sys.stdin).items():
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            exec(compile(code, "train.py", "exec"), {"__name__": "__main__"})
        if "METRIC " not in out.getvalue():
            failed[name] = "no METRIC line"
    except Exception:
        failed[name] = traceback.format_exc(limit=2)
json.dump(failed, sys.stdout)
"""


def run_all(programs: dict[str, str], limit: float = 240) -> dict[str, str]:
    """Run programs one after the other in one fresh interpreter: what failed, and how."""
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=json.dumps(programs),
        capture_output=True,
        text=True,
        timeout=limit,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def candidates(bench, code: str) -> dict[str, str]:
    """The file after each idea, and after as many of them as can be stacked."""
    tree = bench.tree(code)
    programs, stacked = {"the sample itself": code}, tree
    for idea in bench.ideas(code):
        programs[idea.id] = implement(idea, tree).changes["train.py"].decode()
        try:
            stacked = MemoryTree(implement(idea, stacked).changes)
        except NotApplicable:
            continue
    programs["all of them"] = stacked.read("train.py").decode()
    return programs


@pytest.mark.parametrize("name", RUN)
def test_scikit_learn_candidates_run(name, bench, sample):
    assert run_all(candidates(bench, sample(name))) == {}


def test_what_only_a_zoo_shows_runs(bench, sample):
    """One idea for each transformation that the other samples do not have."""
    covered = {n for name in RUN for n in bench.names(sample(name))}
    code = sample("zoo")
    tree = bench.tree(code)
    programs = {
        idea.transformation: implement(idea, tree).changes["train.py"].decode()
        for idea in bench.ideas(code)
        if idea.transformation not in covered
    }
    assert len(programs) > 8
    assert run_all(programs) == {}


@pytest.mark.parametrize("name", TORCH)
def test_pytorch_candidates_run(name, bench, sample):
    pytest.importorskip("lightning" if name == "lit" else "torch")
    assert run_all(candidates(bench, sample(name))) == {}


def test_scalers_see_training_rows_only(bench, sample):
    """A step in front of a model is fitted by the model's own `fit`, never on other rows."""
    for idea in bench.ideas(sample("logistic")):
        if idea.transformation in ("scale-inputs", "kernel-features", "feature-products"):
            after = implement(idea, bench.tree(sample("logistic"))).changes["train.py"].decode()
            assert after.count(".fit(") == sample("logistic").count(".fit(")
            assert "fit_transform" not in after


def test_a_repository_without_python_gets_no_idea(bench):
    tree = MemoryTree({"main.R": b"model <- lm(y ~ x)\n", "README.md": b"# torch, sklearn\n"})
    assert propose(tree, bench.objective, Boundary()) == []
