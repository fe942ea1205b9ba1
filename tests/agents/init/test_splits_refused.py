"""Programs for which no validation split may be offered, and why."""

from __future__ import annotations

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.domain import Objective
from autosota.agents.init.splits import SetupChange, Unavailable, offers

HEAD = """import sys
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import (
    GroupShuffleSplit, KFold, cross_val_score, train_test_split
)
from sklearn.preprocessing import StandardScaler
seed = int(sys.argv[1])
X, y, groups = np.load("X.npy"), np.load("y.npy"), np.load("groups.npy")
"""
PART = "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)\n"
MODEL = "model = LogisticRegression(random_state=seed)\n"
FIT = "model.fit(X_train, y_train)\n"
SHOW = 'print(f"METRIC test_accuracy={model.score(X_test, y_test)}")\n'
WHOLE = HEAD + PART + MODEL + FIT + SHOW

REFUSED = {
    "groups": (
        HEAD
        + "train, test = next(GroupShuffleSplit(random_state=0).split(X, y, groups))\n"
        + "X_train, X_test, y_train, y_test = X[train], X[test], y[train], y[test]\n"
        + MODEL
        + FIT
        + SHOW,
        "part in a known way",
    ),
    "mask": (
        HEAD
        + "X_train, y_train = X[groups < 5], y[groups < 5]\n"
        + "X_test, y_test = X[groups >= 5], y[groups >= 5]\n"
        + MODEL
        + FIT
        + SHOW,
        "part in a known way",
    ),
    "folds": (
        HEAD
        + "accs = []\nfor train, test in KFold(5).split(X):\n"
        + "    m = LogisticRegression().fit(X[train], y[train])\n"
        + "    accs.append(m.score(X[test], y[test]))\n"
        + 'print(f"METRIC test_accuracy={np.mean(accs)}")\n',
        "part in a known way",
    ),
    "cross-validation": (
        HEAD + MODEL + 'print(f"METRIC test_accuracy={cross_val_score(model, X, y).mean()}")\n',
        "part in a known way",
    ),
    "stopped on test": (
        HEAD + PART + MODEL + "model.fit(X_train, y_train, eval_set=[(X_test, y_test)])\n" + SHOW,
        "fitted on test rows",
    ),
    "scaler fitted on test": (
        HEAD + PART + "X_test = StandardScaler().fit_transform(X_test)\n" + MODEL + FIT + SHOW,
        "fitted on test rows",
    ),
    "fitted on everything": (
        HEAD + PART + MODEL + "model.fit(X, y)\n" + SHOW,
        "holds test rows",
    ),
    "fitted on another name": (
        HEAD + "A, B, c, d = train_test_split(X, y)\n" + PART + MODEL + "model.fit(A, c)\n" + SHOW,
        "split again",
    ),
    "fitted in one go": (
        HEAD
        + PART
        + MODEL
        + 'print(f"METRIC test_accuracy={model.fit(X_train, y_train).score(X_test, y_test)}")\n',
        "fitted where it is scored",
    ),
    "random test noise": (
        HEAD
        + PART
        + MODEL
        + FIT
        + "X_test = X_test + np.random.normal(size=X_test.shape)\n"
        + SHOW,
        "chance takes part",
    ),
    "validation rows exist": (
        HEAD
        + PART
        + "X_train, X_val, y_train, y_val = train_test_split(X_train, y_train, random_state=1)\n"
        + MODEL
        + FIT
        + SHOW,
        "split again here",
    ),
    "shown in two places": (WHOLE + SHOW, "at 2 places"),
    "shown nowhere": (WHOLE.replace("test_accuracy", "test_f1"), "no statement was found"),
    "a constant": (HEAD + 'print(f"METRIC test_accuracy={0.93}")\n', "part in a known way"),
    "a star for arguments": (
        HEAD
        + "parts = train_test_split(X, y)\nmodel = LogisticRegression()\n"
        + "model.fit(parts[0], parts[2])\n"
        + 'print(f"METRIC test_accuracy={model.score(parts[1], parts[3])}")\n',
        "not plain names",
    ),
    "loaders from elsewhere": (
        HEAD
        + "from data import loaders\ntrain_loader, test_loader = loaders(64)\n"
        + MODEL
        + "model.fit(train_loader)\n"
        + 'print(f"METRIC test_accuracy={model.score(test_loader)}")\n',
        "part in a known way",
    ),
    "a mapping": (
        HEAD
        + 'train = np.load("train.npz")\ntest = np.load("test.npz")\n'
        + MODEL
        + 'model.fit(train["X"], train["y"])\n'
        + "print(f\"METRIC test_accuracy={model.score(test['X'], test['y'])}\")\n",
        "may be a mapping",
    ),
    "trained and scored by one function": (
        HEAD
        + PART
        + "def run(a, b, c, d):\n    return LogisticRegression().fit(a, b).score(c, d)\n"
        + "acc = run(X_train, y_train, X_test, y_test)\n"
        + 'print(f"METRIC test_accuracy={acc}")\n',
        "takes training and test rows together",
    ),
    "the evaluator shows metrics": (
        HEAD
        + PART
        + MODEL
        + FIT
        + "def evaluate(a, b):\n    acc = model.score(a, b)\n"
        + '    print(f"METRIC size={len(a)}")\n    return acc\n'
        + 'print(f"METRIC test_accuracy={evaluate(X_test, y_test)}")\n',
        "shows metrics itself",
    ),
    "training rows used too early": (
        HEAD
        + 'X_train = np.load("X_train.npy")\nX_train = X_train - X_train.mean()\n'
        + 'y_train = np.load("y_train.npy")\nX_test = np.load("X_test.npy")\n'
        + 'y_test = np.load("y_test.npy")\n'
        + MODEL
        + FIT
        + SHOW,
        "used before all of them",
    ),
    "the index differs": (
        HEAD
        + "X_train, X_test = X[:80], X[60:]\ny_train, y_test = y[:80], y[60:]\n"
        + MODEL
        + FIT
        + SHOW,
        "part in a known way",
    ),
    "broken code": (WHOLE + "def (:\n", "does not parse"),
}


def offered(text: str, **more: str) -> dict[str, SetupChange | Unavailable]:
    aim = Objective("python train.py {seed}", "test_accuracy", "test_accuracy", **more)  # type: ignore[arg-type]
    return {o.kind: o for o in offers(MemoryTree({"train.py": text.encode()}), aim)}


def test_the_plain_program_is_understood() -> None:
    """What the refused programs differ from is offered: they are refused for their own reason."""
    assert isinstance(offered(WHOLE)["validation-split"], SetupChange)
    assert isinstance(offered(WHOLE)["repeated-validation"], SetupChange)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    text, reason = REFUSED[name]
    found = offered(text)
    for kind in ("validation-split", "repeated-validation"):
        one = found[kind]
        assert isinstance(one, Unavailable), (name, kind)
        assert reason in one.reason
        assert "\n" not in one.reason


def test_a_value_that_another_branch_sets_is_not_copied() -> None:
    score = "try:\n    acc = model.score(X_test, y_test)\nexcept ValueError:\n    acc = 0.0\n"
    found = offered(
        HEAD + PART + MODEL + FIT + score + SHOW.replace("model.score(X_test, y_test)", "acc")
    )
    held = found["validation-split"]
    assert isinstance(held, Unavailable) and "another branch sets acc" in held.reason


def test_lines_are_not_put_between_statements_that_share_a_line() -> None:
    text = HEAD + PART.strip() + "; n = len(X_test)\n" + MODEL + FIT + SHOW
    found = offered(text)
    held = found["validation-split"]
    assert isinstance(held, Unavailable) and "more than one statement on a line" in held.reason
    assert isinstance(found["repeated-validation"], SetupChange)  # adds nothing there


def test_a_separate_evaluator_is_not_copied() -> None:
    found = offered(WHOLE, evaluate="python evaluate.py")["validation-split"]
    assert isinstance(found, Unavailable) and "separate evaluator" in found.reason


def test_nothing_to_do_when_the_search_does_not_look_at_the_claim() -> None:
    aim = Objective("python train.py {seed}", "test_accuracy", "val_loss")
    kinds = {o.kind: o for o in offers(MemoryTree({"train.py": WHOLE.encode()}), aim)}
    found = kinds["validation-split"]
    assert isinstance(found, Unavailable) and "val_loss" in found.reason


def test_no_seed_of_the_run_is_said() -> None:
    text = WHOLE.replace("seed = int(sys.argv[1])", "seed = 3")
    found = offered(text)["validation-split"]
    assert isinstance(found, SetupChange)
    assert b"random_state=0)\n" in found.changes["train.py"].replace(b"\n)", b")\n")
    assert any("no seed of the run" in n for n in found.notes)


def test_regression_is_not_stratified_and_classes_are() -> None:
    classes = offered(WHOLE)["validation-split"]
    assert isinstance(classes, SetupChange) and b"stratify=y_train" in classes.changes["train.py"]
    aim = Objective("python train.py {seed}", "test_r2", "test_r2")
    tree = MemoryTree({"train.py": WHOLE.replace("test_accuracy", "test_r2").encode()})
    found = next(iter(offers(tree, aim)))
    assert isinstance(found, SetupChange) and b"stratify" not in found.changes["train.py"]


@pytest.mark.parametrize(
    "metric, added",
    [
        ("test_accuracy", "val_accuracy"),
        ("accuracy", "val_accuracy"),
        ("acc_test", "acc_val"),
        ("test/acc", "val/acc"),
        ("testAcc", "valAcc"),
        ("latest_acc", "val_latest_acc"),
    ],
)
def test_the_name_of_the_validation_metric(metric: str, added: str) -> None:
    text = WHOLE.replace("test_accuracy", metric)
    aim = Objective("python train.py {seed}", metric, metric)
    found = next(iter(offers(MemoryTree({"train.py": text.encode()}), aim)))
    assert isinstance(found, SetupChange)
    assert found.metric_added == added
    assert f"METRIC {added}=".encode() in found.changes["train.py"]
