"""The catalogue on files by many authors: how many ideas apply, and do their patches hold?

Which files, and by what rule, is in `catalogued/`; packages are fetched with pip into the cache
folder (AUTOSOTA_BENCH_CACHE, or the user's), never into the repository. For each file a small
repository is made: the file, what it imports of its package, a `run.py` that names everything
in it (scripts run themselves), and an evaluator apart that the objective names.

`python tests/bench/catalogue.py [--half dev|held-out] [--only TEXT] [--list] [--no-smoke]`.
Patches are smoke-run (import, build, one step on synthetic batches) by `catalogued/smoke.py` in
an environment with PyTorch: AUTOSOTA_BENCH_TORCH names its interpreter. Prints figures, asserts
nothing. What a patch is worth is not measured here.
"""

from __future__ import annotations

import argparse
import ast
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autosota.agents.code.tree import MemoryTree, PatchedTree
from autosota.agents.domain import Boundary, Decision, Granularity, Hypothesis, Objective
from autosota.agents.ideator import NotApplicable, implement, propose
from autosota.agents.ideator.module import Project
from autosota.agents.supervisor.audit import audit
from autosota.agents.supervisor.boundary import draw_boundary

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from catalogued.selection import (  # noqa: E402
    FILES,
    Case,
    choose,
    download,
    files_of,
    packages,
)

NEAR = 25
"""Files of a package that come along with a measured one."""

ENOUGH, DEEP = 10, 3

EVALUATE = b'''"""The evaluator: accuracy of the predictions that the run wrote."""

import sys

import numpy as np

predicted = np.load(sys.argv[1])
truth = np.load("labels/test.npy")
print("METRIC test_accuracy=%f" % float((predicted == truth).mean()))
'''

RUN = '''"""Trains what is in {module} and writes predictions for the test rows."""

import sys

import numpy as np
import torch
from {module} import {names}

rows, labels = np.load("data/train.npy"), np.load("data/train_labels.npy")
x, y = torch.from_numpy(rows), torch.from_numpy(labels)
model = torch.nn.Sequential({networks})
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
criterion = torch.nn.CrossEntropyLoss()
for epoch in range(10):
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
{others}
with torch.no_grad():
    predicted = model(torch.from_numpy(np.load("data/test.npy"))).argmax(1)
np.save(sys.argv[1], predicted.numpy())
'''


@dataclass
class Judged:
    """One idea in one file: what became of its patch."""

    case: Case
    idea: Hypothesis
    parses: bool = False
    guarded: bool = False
    decision: Decision = Decision.NEEDS_REVIEW
    notes: str = ""
    smoke: str = ""
    """`ok`, `not run` (nothing to drive it with), or what failed."""
    imported: str = ""
    changes: dict[str, str] = field(default_factory=dict)


@dataclass
class Repository:
    """A file with what it needs, and the objective over it."""

    case: Case
    tree: MemoryTree
    objective: Objective
    boundary: Boundary


def cache_folder() -> Path:
    """Where fetched packages lie."""
    own = os.environ.get("AUTOSOTA_BENCH_CACHE")
    home = Path(own) if own else Path.home() / ".cache" / "autosota-bench"
    return home / "catalogue"


def cases() -> list[Case]:
    """The committed list of files."""
    with FILES.open(newline="") as file:
        return sorted(Case(**row) for row in csv.DictReader(file))


def list_cases(cache: Path) -> None:
    """Write the list of files anew, by the rule."""
    rows = []
    for package in packages():
        rows += list(choose(package, files_of(download(cache, package))))
    with FILES.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["half", "package", "kind", "path"])
        writer.writerows((c.half, c.package, c.kind, c.path) for c in sorted(rows))


def repository(case: Case, files: dict[str, bytes]) -> Repository:
    """The small repository around a file."""
    whole = Project(MemoryTree(files))
    wanted, queue = {case.path}, [case.path]
    while queue and len(wanted) < NEAR:
        module = whole.module(queue.pop(0))
        for near in whole.imported_by(module) if module is not None else ():
            if near.path not in wanted and len(wanted) < NEAR:
                wanted.add(near.path)
                queue.append(near.path)
    content = {path: files[path] for path in sorted(wanted)}
    content["evaluate.py"] = EVALUATE
    command = f"python {case.path} --seed {{seed}} --out {{run_dir}}"
    if b"__main__" not in files[case.path]:
        content["run.py"] = _runner(case.path, files[case.path]).encode()
        command = "python run.py {run_dir}/pred.npy --seed {seed}"
    objective = Objective(
        command,
        metric="test_accuracy",
        select_on="val_accuracy",
        evaluate="python evaluate.py {run_dir}/pred.npy",
    )
    small = MemoryTree(content)
    return Repository(case, small, objective, draw_boundary(small, objective))


def _runner(path: str, content: bytes) -> str:
    """A program that trains the networks of a file and names the rest of what is in it."""
    tops = [n for n in ast.parse(content).body if isinstance(n, ast.ClassDef | ast.FunctionDef)]
    networks = [
        n.name
        for n in tops
        if isinstance(n, ast.ClassDef)
        and any(isinstance(m, ast.FunctionDef) and m.name == "forward" for m in n.body)
    ]
    others = [n.name for n in tops if n.name not in networks]
    dotted = path.removeprefix("src/").removesuffix(".py").replace("/", ".")
    return RUN.format(
        module=dotted,
        names=", ".join([*networks, *others]) or "__name__",
        networks=", ".join(f"{n}()" for n in networks) or "torch.nn.Linear(8, 2)",
        others="\n".join(f"{n}(x, y)" for n in others),
    )


def ideas_in(repo: Repository) -> list[Hypothesis]:
    """The admissible ideas whose lever is in the measured file."""
    found = propose(repo.tree, repo.objective, repo.boundary)
    return [i for i in found if i.admissible and i.place.path == repo.case.path]


def judge(repo: Repository, idea: Hypothesis) -> Judged:
    """Write the patch of an idea and ask what parses, repeats and is cleared."""
    judged = Judged(repo.case, idea)
    try:
        done = implement(idea, repo.tree)
    except NotApplicable as reason:
        judged.notes = f"not applicable: {reason.reason}"
        return judged
    judged.changes = {p: c.decode() for p, c in done.changes.items()}
    judged.parses = all(_parses(c) for p, c in judged.changes.items() if p.endswith(".py"))
    candidate = PatchedTree(repo.tree, done.changes)
    try:
        implement(idea, candidate)
    except NotApplicable:
        judged.guarded = True
    verdict = audit(repo.tree, candidate, repo.objective, repo.boundary)
    judged.decision = verdict.decision
    if verdict.decision is not Decision.CLEARED:
        judged.notes = "; ".join(f"{f.code} {f.message}" for f in verdict.findings)[:300]
    return judged


def _parses(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<patched>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def smoke(case: Case, archive: Path, judged: list[Judged], python: str) -> Counter[str]:
    """Import, build and step each patch in an environment with PyTorch."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "source"
        for path, content in files_of(archive).items():
            target = root / path
            if root in target.resolve().parents:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        job = {
            "root": str(root),
            "path": case.path,
            "kind": case.kind,
            "patches": [j.changes for j in judged],
            "symbols": [j.idea.symbol for j in judged],
        }
        done = subprocess.run(
            [python, str(HERE / "catalogued" / "smoke.py")],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            timeout=1200,
            cwd=scratch,
            env={**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"},
        )
    answers = done.stdout.strip().splitlines()
    if done.returncode or not answers:
        reason = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        for each in judged:
            each.imported = each.smoke = "not run"
        return Counter({f"baseline: {reason[:120]}": 1})
    answer = json.loads(answers[-1])
    for each, (imported, smoked) in zip(judged, answer["patches"], strict=True):
        each.imported, each.smoke = imported, smoked
    return Counter(answer["driven"])


def share(hits: int, of: int) -> str:
    """A share in words and digits."""
    return f"{hits / of:6.1%} ({hits} of {of})" if of else "none"


def table(half: str, per_case: dict[Case, list[Judged]]) -> Iterator[str]:
    """The figures of one half, a line each."""
    rows = [j for found in per_case.values() for j in found]
    good = [c for c, found in per_case.items() if is_rich(found)]
    yield f"{half}: {len(per_case)} files of {len({c.package for c in per_case})} packages"
    yield f"  files with >= 10 ideas, >= 3 CODE/ALGO  {share(len(good), len(per_case))}"
    for kind in sorted({c.kind for c in per_case}):
        own = [c for c in per_case if c.kind == kind]
        yield f"    {kind:12s} {share(sum(c in good for c in own), len(own))}"
    yield f"  ideas                {len(rows)}; {len({j.idea.transformation for j in rows})} kinds"
    yield f"  patches that parse   {share(sum(j.parses for j in rows), len(rows))}"
    yield f"  not applied twice    {share(sum(j.guarded for j in rows), len(rows))}"
    cleared = sum(j.decision is Decision.CLEARED for j in rows)
    yield f"  cleared by the audit {share(cleared, len(rows))}"
    tried = [j for j in rows if j.imported not in ("", "not run")]
    yield f"  imported             {share(sum(j.imported == 'ok' for j in tried), len(tried))}"
    ran = [j for j in rows if j.smoke not in ("", "not run")]
    files = len({j.case for j in ran})
    steps = share(sum(j.smoke == "ok" for j in ran), len(ran))
    yield f"  built and stepped    {steps}; {files} files"


def is_rich(found: Iterable[Judged]) -> bool:
    """Ten ideas, three of them of code or algorithm."""
    ideas = [j.idea for j in found]
    deep = [i for i in ideas if i.granularity is not Granularity.PARAM]
    return len(ideas) >= ENOUGH and len(deep) >= DEEP


def measure(case: Case, archive: Path, python: str) -> tuple[list[Judged], Counter[str]]:
    """Everything about one file."""
    repo = repository(case, files_of(archive))
    judged = [judge(repo, idea) for idea in ideas_in(repo)]
    driven = smoke(case, archive, judged, python) if python and judged else Counter[str]()
    return judged, driven


def main(arguments: list[str] | None = None) -> None:
    """Print the figures of both halves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=("dev", "held-out"))
    parser.add_argument("--only", default="", help="measure files whose package or path has this")
    parser.add_argument("--list", action="store_true", help="write files.csv anew, by the rule")
    parser.add_argument("--cases", action="store_true", help="name every file and what failed")
    parser.add_argument("--no-smoke", action="store_true")
    options = parser.parse_args(arguments or [])
    cache = cache_folder()
    if options.list:
        list_cases(cache)
        return
    own = cache / "env" / "bin" / "python"
    python = os.environ.get("AUTOSOTA_BENCH_TORCH", str(own) if own.exists() else "")
    if options.no_smoke:
        python = ""
    found: dict[Case, list[Judged]] = {}
    for case in cases():
        if (
            options.half not in (None, case.half)
            or options.only not in f"{case.package} {case.path}"
        ):
            continue
        began = time.process_time()
        found[case], driven = measure(case, download(cache, case.package), python)
        if options.cases:
            _print_case(case, found[case], driven, time.process_time() - began)
    for half in ("dev", "held-out"):
        own_cases = {c: f for c, f in found.items() if c.half == half}
        if own_cases:
            print("\n".join(table(half, own_cases)), flush=True)


def _print_case(case: Case, found: list[Judged], driven: Counter[str], seconds: float) -> None:
    deep = sum(j.idea.granularity is not Granularity.PARAM for j in found)
    ran = sum(j.smoke not in ("", "not run") for j in found)
    mark = " " if is_rich(found) else "!"
    print(
        f"{mark} {case.half} {case.kind:9s} {case.name} {case.path}: {len(found)} ideas,"
        f" {deep} deep, {ran} ran, {seconds:.1f} s; {dict(driven)}",
        flush=True,
    )
    print(
        "    "
        + " ".join(
            sorted(
                f"{k}×{n}" if n > 1 else k
                for k, n in Counter(j.idea.transformation for j in found).items()
            )
        )
    )
    for j in found:
        wrong = not j.parses or not j.guarded or j.decision is not Decision.CLEARED
        bad = [x for x in (j.imported, j.smoke) if x not in ("", "ok", "not run")]
        if wrong or bad:
            print(
                f"    x {j.idea.transformation}: parses {j.parses}, guarded {j.guarded},"
                f" {j.decision.value} {j.notes} {' | '.join(bad)}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
