"""Repositories of the search bench, and real executions of them at any code and seed.

A run is the repository's own command in a process forked from a warm one, so it costs its
training and not the imports. The same code with the same seed is run once and charged to every
method that asks for it, with the seconds it took. Seconds are processor time of one thread,
which another job on the machine does not change. What a method does with it is not known here.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from autosota.agents.code.tree import MemoryTree
from autosota.agents.domain import Boundary, Controls, Objective, Outcome
from autosota.agents.protocols import Tree
from autosota.agents.supervisor.boundary import draw_boundary
from autosota.server.config import load_objective

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[2] / "docs" / "examples"
_METRIC = re.compile(r"^METRIC ([\w.]+)=(\S+)$", re.MULTILINE)
_TOLD = 200


@dataclass(frozen=True, slots=True)
class Repository:
    """One task: a repository in memory, with its objective."""

    name: str
    tree: Tree
    objective: Objective
    boundary: Boundary
    folder: Path


@dataclass(frozen=True, slots=True)
class Execution:
    """What one run gave; seconds of processor time."""

    outcome: Outcome
    reason: str
    metrics: Mapping[str, float]
    seconds: float


def folders() -> dict[str, Path]:
    """The tasks by name; the only bundled example comes last."""
    own = {p.name: p for p in sorted((HERE / "repositories").iterdir()) if p.is_dir()}
    return {**own, "digits": EXAMPLES / "digits"}


def digest(tree: Tree) -> str:
    """A hash of all files of a tree."""
    found = hashlib.sha256()
    for path in tree.files():
        content = tree.read(path)
        found.update(f"{path}\0{len(content)}\0".encode() + content)
    return found.hexdigest()[:16]


class Executor:
    """Runs repositories; a context manager that ends its warm process and its folders."""

    def __init__(self) -> None:
        self._scratch = Path(tempfile.mkdtemp(prefix="search-bench-"))
        self._checkouts: dict[str, Path] = {}
        self._memo: dict[tuple[str, str, int], Execution] = {}
        self.real_runs = 0
        threads = {f"{n}_NUM_THREADS": "1" for n in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")}
        self._warm = subprocess.Popen(
            [sys.executable, str(HERE / "warm.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **threads, "PYTHONHASHSEED": "0"},
        )

    def __enter__(self) -> Executor:
        return self

    def __exit__(self, *error: object) -> None:
        assert self._warm.stdin is not None
        self._warm.stdin.close()
        self._warm.wait(timeout=30)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def repository(self, name: str) -> Repository:
        """A task, from a copy of its folder; data that is not shipped is made there."""
        source, folder = folders()[name], self._scratch / name
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
        # controls on permuted rows, and outcomes per example, would be the same for all searchers
        objective = replace(load_objective(folder), controls=Controls(), outcomes="")
        missing = not all(any(folder.glob(p)) for p in objective.protocol.data)
        if missing:
            subprocess.run([sys.executable, "make_data.py"], cwd=folder, check=True)
        files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
        tree = MemoryTree({name: path.read_bytes() for name, path in files.items()})
        return Repository(name, tree, objective, draw_boundary(tree, objective), folder)

    def run(self, repository: Repository, tree: Tree, seed: int) -> Execution:
        """The objective's command, and evaluator, at this code with this seed."""
        key = (repository.name, digest(tree), seed)
        if key not in self._memo:
            self._memo[key] = self._execute(repository, self._checkout(repository, tree), seed)
            self.real_runs += 1
        return self._memo[key]

    def _checkout(self, repository: Repository, tree: Tree) -> Path:
        key = f"{repository.name}-{digest(tree)}"
        if key in self._checkouts:
            return self._checkouts[key]
        folder = self._scratch / "checkouts" / key
        for path in tree.files():
            target, content = folder / path, tree.read(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            original = repository.folder / path
            if original.exists() and original.read_bytes() == content:
                target.symlink_to(original)
            else:
                target.write_bytes(content)
        self._checkouts[key] = folder
        return folder

    def _execute(self, repository: Repository, checkout: Path, seed: int) -> Execution:
        objective = repository.objective
        with tempfile.TemporaryDirectory(dir=self._scratch) as out:
            run_dir, log = Path(out) / "out", Path(out) / "log"
            run_dir.mkdir()
            lines = [line for line in (objective.command, objective.evaluate) if line]
            words = [shlex.split(x.format(seed=seed, run_dir=run_dir))[1:] for x in lines]
            request = {
                "folder": str(checkout),
                "commands": words,
                "log": str(log),
                "timeout": round(objective.timeout_seconds),
            }
            assert self._warm.stdin is not None and self._warm.stdout is not None
            self._warm.stdin.write(json.dumps(request) + "\n")
            self._warm.stdin.flush()
            answer = json.loads(self._warm.stdout.readline())
            text = log.read_text(errors="replace") if log.exists() else ""
        metrics = {name: float(value) for name, value in _METRIC.findall(text)}
        outcome, reason = Outcome.OK, ""
        if answer["code"] == -14:
            outcome, reason = Outcome.TIMEOUT, f"after {objective.timeout_seconds:g} s"
        elif answer["code"] != 0:
            outcome, reason = Outcome.CRASHED, text.strip()[-_TOLD:]
        elif not {objective.metric, objective.select_on} <= metrics.keys():
            outcome, reason = Outcome.METRIC_MISSING, "a metric is missing"
        return Execution(outcome, reason, metrics, answer["cpu"])
