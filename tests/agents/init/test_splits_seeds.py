"""Seeds that are written down: which of them the run's seed may replace."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.domain import Objective
from autosota.agents.init.splits import SetupChange, Unavailable, offers
from autosota.agents.supervisor.boundary import draw_boundary

HEAD = """import argparse
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
X, y = load_digits(return_X_y=True)
"""
PART = "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)\n"
AGAIN = """X_train, X_val, y_train, y_val = train_test_split(
    X_train, y_train, test_size=0.2, random_state=1
)
"""
FIT = "clf = SGDClassifier(max_iter=5, random_state=SEED)\nclf.fit(X_train, y_train)\n"
SHOW = """print(f"METRIC test_accuracy={clf.score(X_test, y_test):.4f}")
print("TEST", X_test.sum(), y_test[:20])
"""
VAL = 'print(f"METRIC val_accuracy={clf.score(X_val, y_val):.4f}")\n'
PLAIN = HEAD + PART + FIT.replace("SEED", "42") + SHOW


def offered(text: str, command: str = "python train.py --seed {seed}") -> list[object]:
    select = "val_accuracy" if VAL in text else "test_accuracy"
    aim = Objective(command, "test_accuracy", select)
    tree = MemoryTree({"train.py": text.encode()})
    found = offers(tree, aim, draw_boundary(tree, aim))
    return [o for o in found if o.kind == "split-seed"]


def one(text: str) -> SetupChange:
    (found,) = offered(text)
    assert isinstance(found, SetupChange), found
    return found


def run(folder: Path, content: bytes, seed: int) -> str:
    (folder / "train.py").write_bytes(content)
    done = subprocess.run(
        [sys.executable, "train.py", "--seed", str(seed)],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def part(output: str, name: str) -> list[str]:
    return re.findall(rf"^{name}.*(?:\n .*)*", output, re.M)


def test_the_seed_of_the_model_is_let_in_and_test_rows_stay(tmp_path: Path) -> None:
    change = one(PLAIN)
    text = change.changes["train.py"]
    assert b"SGDClassifier(max_iter=5, random_state=args.seed)" in text
    assert b"train_test_split(X, y, random_state=0)" in text
    assert not change.objective_changes and not change.metric_added
    assert run(tmp_path, PLAIN.encode(), 1) == run(tmp_path, PLAIN.encode(), 2)
    first, second = run(tmp_path, text, 1), run(tmp_path, text, 2)
    assert part(first, "METRIC") != part(second, "METRIC")
    assert (
        part(first, "TEST")
        == part(second, "TEST")
        == part(run(tmp_path, PLAIN.encode(), 1), "TEST")
    )


def test_a_split_of_training_rows_takes_the_seed_and_test_rows_stay(tmp_path: Path) -> None:
    before = HEAD + PART + AGAIN + FIT.replace("SEED", "args.seed") + SHOW + VAL
    text = one(before).changes["train.py"]
    assert b"test_size=0.2, random_state=args.seed" in text
    assert b"train_test_split(X, y, random_state=0)" in text
    first, second = run(tmp_path, text, 1), run(tmp_path, text, 2)
    assert part(first, "METRIC val") != part(second, "METRIC val")
    assert (
        part(first, "TEST")
        == part(second, "TEST")
        == part(run(tmp_path, before.encode(), 1), "TEST")
    )


def test_a_split_and_a_model_are_two_offers() -> None:
    found = offered(HEAD + PART + AGAIN + FIT.replace("SEED", "7") + SHOW + VAL)
    assert len(found) == 2 and all(isinstance(f, SetupChange) for f in found)


REFUSED = {
    "the test split's own seed": HEAD + PART + FIT.replace("SEED", "args.seed") + SHOW,
    "rows made by the generator": HEAD
    + "rng = np.random.default_rng(0)\nrows = rng.permutation(len(X))\n"
    + "X_train, X_test = X[rows[:900]], X[rows[900:]]\n"
    + "y_train, y_test = y[rows[:900]], y[rows[900:]]\n"
    + FIT.replace("SEED", "args.seed")
    + SHOW,
    "the global state decides the test rows": HEAD
    + "np.random.seed(0)\nX_train, X_test, y_train, y_test = train_test_split(X, y)\n"
    + FIT.replace("SEED", "args.seed")
    + SHOW,
    "a transform of all rows": HEAD
    + "X = PCA(8, svd_solver='randomized', random_state=0).fit_transform(X)\n"
    + PART
    + FIT.replace("SEED", "args.seed")
    + SHOW,
    "test rows split from the rest": HEAD
    + "X_train, X_rest, y_train, y_rest = train_test_split(X, y, random_state=0)\n"
    + "X_val, X_test, y_val, y_test = train_test_split(X_rest, y_rest, random_state=0)\n"
    + FIT.replace("SEED", "args.seed")
    + SHOW
    + VAL,
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_seed_that_may_decide_test_rows_stays(name: str) -> None:
    (found,) = offered(REFUSED[name])
    assert isinstance(found, Unavailable), found


def test_the_generator_is_let_in_when_rows_are_fixed() -> None:
    text = HEAD + "np.random.seed(3)\n" + PART + FIT.replace("SEED", "None") + SHOW
    assert b"np.random.seed(args.seed)\n" in one(text).changes["train.py"]


def test_a_constant_is_left_alone_and_only_its_use_changes() -> None:
    text = "SEED = 42\n" + HEAD + PART.replace("=0", "=SEED") + FIT + SHOW
    changed = one(text).changes["train.py"]
    assert b"SEED = 42\n" in changed and b"random_state=args.seed)\nclf.fit" in changed
    assert b"train_test_split(X, y, random_state=SEED)" in changed


def test_without_a_seed_in_the_command_there_is_nothing_to_connect() -> None:
    (found,) = offered(PLAIN, "python train.py")
    assert isinstance(found, Unavailable) and "{seed}" in found.reason
