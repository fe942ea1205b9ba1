"""A small repository whose runs take a tenth of a second, and the command line as a process.

Its interpreter is a virtual environment whose scikit-learn is a stand-in of thirty lines, so that
ideas of the catalogue apply without seconds of imports per run. The bundled examples cover the
real libraries.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from autosota.server.sandbox.bubblewrap import probe

LEARNER = '''
import random
from pathlib import Path


class LogisticRegression:
    """Finds a threshold between two classes; a larger C finds a better one."""

    def __init__(self, C=1.0, max_iter=100, random_state=0):
        self.C, self.max_iter, self.random_state = C, max_iter, random_state

    def fit(self, rows, labels):
        ones = [x for x, y in zip(rows, labels) if y]
        zeros = [x for x, y in zip(rows, labels) if not y]
        one, zero = sum(ones) / len(ones), sum(zeros) / len(zeros)
        self.learned = one - zero > 0.5  # from permuted labels there is nothing to learn
        middle = (one + zero) / 2
        stream = random.Random(self.random_state)
        off = float(Path("data/off.txt").read_text())
        self.threshold = middle + off * (0.9 + 0.2 * stream.random()) / (1.0 + self.C)
        return self

    def predict(self, rows):
        return [int(self.learned and x > self.threshold) for x in rows]
'''

TRAIN = """
import argparse
import json
from pathlib import Path

from sklearn.linear_model import LogisticRegression


def read(name):
    return [float(line) for line in Path("data", name).read_text().split()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    model = LogisticRegression(C=1.0, random_state=args.seed)
    model.fit(read("train_x.txt"), [int(v) for v in read("train_y.txt")])
    for part in ("val", "test"):
        (args.out / f"{part}.json").write_text(json.dumps(model.predict(read(f"{part}_x.txt"))))


main()
"""

EVALUATE = """
import json
import sys
from pathlib import Path

for part in ("val", "test"):
    truth = [int(v) for v in Path("labels", f"{part}.txt").read_text().split()]
    guess = json.loads(Path(sys.argv[1], f"{part}.json").read_text())
    assert len(guess) == len(truth)
    share = sum(a == b for a, b in zip(truth, guess)) / len(truth)
    print(f"METRIC {part}_accuracy={share:.6f}")
"""

OBJECTIVE = """
[paper]
claims = [{{ metric = "test_accuracy", value = 0.9, where = "Table 1" }}]

[objective]
command = "python train.py --seed {{seed}} --out {{run_dir}}"
evaluate = "python evaluate.py {{run_dir}}"
metric = "test_accuracy"
select_on = "val_accuracy"
seeds = [0, 1, 2]
confirm_seeds = 6
timeout = "20s"

[protocol]
evaluation = ["evaluate.py"]
data = ["data/**"]
labels = ["labels/**"]

[environment]
python = "{python}"

[budget]
evaluations = {evaluations}
wall = "10m"
"""


AUTOSOTA = str(Path(sys.executable).with_name("autosota"))
"""The installed command: `python -m` would put the repository on our own import path."""


@dataclass
class Repository:
    """A repository in a temporary folder, and the command line run in it."""

    root: Path

    def autosota(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [AUTOSOTA, *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def start(self, *arguments: str, quiet: bool = False) -> subprocess.Popen[str]:
        """Start it; a quiet one needs nobody to read its output."""
        return subprocess.Popen(
            [AUTOSOTA, *arguments],
            cwd=self.root,
            stdout=subprocess.DEVNULL if quiet else subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def fingerprint(self) -> dict[str, str]:
        """Every file of the user's with its content and times, without our own folder."""
        out = {}
        for path in sorted(self.root.rglob("*")):
            inside = path.relative_to(self.root)
            if inside.parts[0] == ".autosota" or not path.is_file():
                continue
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            out[str(inside)] = f"{digest} {path.stat().st_mtime_ns}"
        return out


def numbers(seed: int, count: int) -> tuple[list[float], list[int]]:
    import random

    stream = random.Random(seed)
    labels = [stream.randrange(2) for _ in range(count)]
    return [round(stream.gauss(2.0 * y, 1.0), 4) for y in labels], labels


@cache
def interpreter(learner: str = LEARNER) -> Path:
    """A virtual environment with the stand-in, made once and removed with the process."""
    folder = Path(tempfile.mkdtemp(prefix="autosota-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (library,) = folder.glob("lib/python3*/site-packages")
    (library / "sklearn").mkdir()
    (library / "sklearn" / "__init__.py").write_text("")
    (library / "sklearn" / "linear_model.py").write_text(learner)
    return folder / "bin" / "python"


def make_repository(root: Path, *, gain: float = 1.5, evaluations: int = 60) -> Repository:
    root.mkdir(parents=True)
    (root / "data").mkdir()
    (root / "labels").mkdir()
    (root / "data" / "off.txt").write_text(str(gain))
    (root / "train.py").write_text(TRAIN)
    (root / "evaluate.py").write_text(EVALUATE)
    for seed, part in enumerate(("train", "val", "test")):
        rows, labels = numbers(seed, 300 if part == "train" else 1500)
        (root / "data" / f"{part}_x.txt").write_text("\n".join(map(str, rows)))
        where = (
            root / "data" / "train_y.txt" if part == "train" else root / "labels" / f"{part}.txt"
        )
        where.write_text("\n".join(map(str, labels)))
    text = OBJECTIVE.format(python=interpreter(), evaluations=evaluations)
    (root / "autosota.toml").write_text(text)
    git = ["git", "-c", "user.name=A Student", "-c", "user.email=student@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "The paper's code"]):
        # the same commit every time, so that two campaigns can be compared
        date = "2026-01-02T03:04:05Z"
        env = {**os.environ, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        subprocess.run([*git, *command], cwd=root, check=True, env=env)
    return Repository(root)


@pytest.fixture(scope="session", autouse=True)
def bubblewrap() -> None:
    found = probe()
    if not found.works:
        if os.environ.get("CI"):
            pytest.fail(f"bubblewrap does not work here: {found.why}")
        pytest.skip(f"bubblewrap does not work here: {found.why}")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path / "a repository, größer")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository whose campaign ended with a confirmed gain; tests may only read it."""
    repository = make_repository(tmp_path_factory.mktemp("finished") / "repo")
    before = repository.fingerprint()
    ran = repository.autosota("run", "--json")
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    (repository.root.parent / "stdout").write_text(ran.stdout)
    assert repository.fingerprint() == before
    return repository


def last_line(text: str) -> dict[str, object]:
    return dict(json.loads(text.strip().splitlines()[-1]))
