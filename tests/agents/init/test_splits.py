"""Set-up changes on small experiments that really run before and after."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from autosota.agents.code.tree import MemoryTree, PatchedTree
from autosota.agents.domain import Objective
from autosota.agents.init.splits import SetupChange, Unavailable, offers
from autosota.agents.supervisor.boundary import draw_boundary

PROGRAMS = Path(__file__).parent / "split_programs"
COMMAND = "python train.py --seed {seed}"
WATCH = """
import hashlib, json, os, runpy, sys

here, out, arguments = os.getcwd() + os.sep, sys.argv[1], sys.argv[2:]
seen = {}

def rows_of(value):
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    if hasattr(value, "dtype") and getattr(value, "ndim", 0) > 1:
        return [hashlib.sha256(repr(row.tolist()).encode()).hexdigest() for row in value]
    return None

def watch(frame, event, _):
    if event == "return" and frame.f_code.co_filename.startswith(here):
        for name, value in list(frame.f_locals.items()):
            if name in ("X_train", "X_test", "X_val"):
                found = rows_of(value)
                if found is not None:
                    seen[name] = found

sys.path.insert(0, here)
sys.argv = arguments
sys.setprofile(watch)
if arguments[0] == "-m":
    sys.argv = arguments[1:]
    runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
else:
    runpy.run_path(here + arguments[0], run_name="__main__")
sys.setprofile(None)
with open(out, "w") as file:
    json.dump(seen, file)
"""
"""Runs a program and notes, row by row, what its arrays held in the end."""

CASES = {
    "script": ("test_accuracy", "train.py"),
    "scaled": ("test_f1", "train.py"),
    "frame": ("test_accuracy", "train.py"),
    "arrays": ("accuracy", "train.py"),
    "grid": ("test_accuracy", "train.py"),
    "regression": ("rmse", "train.py"),
    "series": ("test_mae", "train.py"),
    "numpy": ("test_acc", "train.py"),
    "minibatches": ("test_accuracy", "train.py"),
    "package": ("test_auc", "fraud/run.py"),
}
FOLDED = ("script", "frame", "arrays", "grid", "regression", "package")


def objective(metric: str, command: str = COMMAND, **more: str) -> Objective:
    return Objective(command=command, metric=metric, select_on=more.get("select_on", metric))


def files_of(name: str) -> dict[str, bytes]:
    home = PROGRAMS / name
    return {p.relative_to(home).as_posix(): p.read_bytes() for p in sorted(home.rglob("*.py"))}


def command_of(name: str) -> list[str]:
    if name == "package":
        return ["-m", "fraud.run", "--seed"]
    return ["train.py"] if name == "arrays" else ["train.py", "--seed"]


def offered(files: Mapping[str, bytes], aim: Objective) -> dict[str, SetupChange | Unavailable]:
    tree = MemoryTree(files)
    return {o.kind: o for o in offers(tree, aim, draw_boundary(tree, aim))}


def offer(name: str, kind: str) -> tuple[dict[str, bytes], SetupChange]:
    files = files_of(name)
    line = " ".join(["python", *command_of(name), "{seed}"])
    found = offered(files, objective(CASES[name][0], line))[kind]
    assert isinstance(found, SetupChange), found
    return files, found


def write_data(folder: Path) -> None:
    """Rows that are all different, so that a row in two places is seen."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    data = folder / "data"
    data.mkdir()
    for part, rows in (("train", slice(0, 400)), ("test", slice(400, 600))):
        np.save(data / f"X_{part}.npy", X[rows])
        np.save(data / f"y_{part}.npy", y[rows])
    np.savez(
        data / "digits.npz", X_train=X[:400], y_train=y[:400], X_test=X[400:600], y_test=y[400:600]
    )
    rng = np.random.default_rng(0)
    for part, count in (("train", 150), ("test", 90)):
        a, b = rng.normal(size=count), rng.normal(size=count)
        kind = rng.choice(["u", "v"], size=count)
        label = (a + rng.normal(size=count) > 0).astype(int)
        lines = [f"{i},{j},{k},{m}" for i, j, k, m in zip(a, b, kind, label, strict=True)]
        (data / f"{part}.csv").write_text("\n".join(["a,b,kind,label", *lines]) + "\n")


class Ran:
    """One run: its metrics, its printed lines and the rows of its arrays."""

    def __init__(self, folder: Path, files: Mapping[str, bytes], words: list[str]) -> None:
        folder.mkdir()
        write_data(folder)
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        rows = folder.with_suffix(".json")
        done = subprocess.run(
            [sys.executable, "-c", WATCH, str(rows), *words],
            cwd=folder,
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.metrics = dict(re.findall(r"^METRIC (\S+)=(\S+)$", done.stdout, re.M))
        self.rows: dict[str, list[str]] = json.loads(rows.read_text())


def after(files: Mapping[str, bytes], change: SetupChange) -> dict[str, bytes]:
    return {**files, **change.changes}


@pytest.mark.parametrize("name", CASES)
def test_held_out_rows_come_from_training_rows_and_tests_stay(name: str, tmp_path: Path) -> None:
    files, change = offer(name, "validation-split")
    words = command_of(name)
    before = Ran(tmp_path / "before", files, [*words, "1"])
    split = Ran(tmp_path / "split", after(files, change), [*words, "1"])
    other = Ran(tmp_path / "other", after(files, change), [*words, "2"])

    assert split.rows["X_test"] == before.rows["X_test"] == other.rows["X_test"]
    train, val = split.rows["X_train"], split.rows["X_val"]
    assert sorted(train + val) == sorted(before.rows["X_train"])
    assert not set(val) & (set(train) | set(split.rows["X_test"]))
    share = len(val) / len(before.rows["X_train"])
    assert share == pytest.approx(0.2, abs=0.01)
    if name == "series":
        assert val == before.rows["X_train"][-len(val) :]
        assert other.rows["X_val"] == val
    else:
        assert set(other.rows["X_val"]) != set(val)

    claim, added = CASES[name][0], change.metric_added
    assert change.objective_changes == {"select_on": added}
    assert set(split.metrics) == {claim, added}
    assert set(before.metrics) == {claim}
    assert np.isfinite(float(split.metrics[added]))
    assert float(split.metrics[added]) != float(split.metrics[claim])
    aim = objective(claim, select_on=added)
    assert aim.tells_of_claim(claim) and not aim.tells_of_claim(added)


@pytest.mark.parametrize("name", FOLDED)
def test_repeated_folds_leave_the_claim_at_its_value(name: str, tmp_path: Path) -> None:
    files, change = offer(name, "repeated-validation")
    words = command_of(name)
    before = Ran(tmp_path / "before", files, [*words, "1"])
    folds = Ran(tmp_path / "folds", after(files, change), [*words, "1"])
    other = Ran(tmp_path / "other", after(files, change), [*words, "2"])

    claim, added = CASES[name][0], change.metric_added
    assert folds.metrics[claim] == before.metrics[claim]
    assert folds.rows["X_test"] == before.rows["X_test"]
    assert folds.rows["X_train"] == before.rows["X_train"]
    assert folds.metrics[added] != other.metrics[added]
    assert float(folds.metrics[added]) != float(folds.metrics[claim])
    assert any("15 more fits" in n for n in change.notes)


def test_the_mean_over_folds_is_that_of_the_same_measure(tmp_path: Path) -> None:
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import RepeatedKFold, cross_val_score, train_test_split

    files, change = offer("regression", "repeated-validation")
    ran = Ran(tmp_path / "folds", after(files, change), ["train.py", "--seed", "4"])
    X, y = load_diabetes(return_X_y=True)
    X, _, y, _ = train_test_split(X, y, test_size=0.25, random_state=7)
    folds = RepeatedKFold(n_splits=5, n_repeats=3, random_state=4)
    mse = -cross_val_score(
        Ridge(alpha=0.1), X, y, cv=folds, scoring="neg_mean_squared_error"
    ).mean()
    assert float(ran.metrics["val_rmse"]) == pytest.approx(mse**0.5, abs=1e-5)


@pytest.mark.parametrize("name", [*CASES, "torch"])
def test_only_lines_are_added_and_line_ends_are_kept(name: str) -> None:
    metric = "test_accuracy" if name == "torch" else CASES[name][0]
    line = " ".join(["python", *command_of(name), "{seed}"])
    files = files_of(name)
    for ends in (b"\n", b"\r\n"):
        written = {p: c.replace(b"\n", ends) for p, c in files.items()}
        change = offered(written, objective(metric, line))["validation-split"]
        assert isinstance(change, SetupChange), change
        for path, content in change.changes.items():
            assert content.count(b"\r\n") == (content.count(b"\n") if ends == b"\r\n" else 0)
            old = [x for x in written[path].split(ends) if b"import" not in x]
            new = iter(content.split(ends))
            assert all(any(x == y for y in new) for x in old)
            compile(content, path, "exec")


def test_torch_validation_images_are_not_augmented() -> None:
    files = files_of("torch")
    change = offered(files, objective("test_accuracy"))["validation-split"]
    assert isinstance(change, SetupChange)
    text = change.changes["train.py"].decode()
    assert 'datasets.MNIST("data", train=True, transform=plain), val_order[:n_val]' in text
    assert "train_set = torch.utils.data.Subset(train_set, val_order[n_val:])" in text
    assert "val_loader = DataLoader(val_set, batch_size=1000)" in text
    assert "val_acc = evaluate(model, val_loader)" in text
    assert "manual_seed(args.seed)" in text
    assert (
        text.index("val_set =") < text.index("train_set = torch") < text.index("DataLoader(train")
    )


def test_an_offer_is_known_by_its_content() -> None:
    files, change = offer("script", "validation-split")
    assert offer("script", "validation-split")[1].id == change.id
    files["train.py"] += b"# more\n"
    again = offered(files, objective("test_accuracy"))["validation-split"]
    assert isinstance(again, SetupChange) and again.id != change.id


def test_after_the_change_there_is_nothing_left_to_offer() -> None:
    files, change = offer("script", "validation-split")
    left = offered(after(files, change), objective("test_accuracy"))["validation-split"]
    assert isinstance(left, Unavailable)
    assert "val_accuracy already" in left.reason


def test_the_audit_finds_the_claim_as_it_was() -> None:
    """Not cleared as a candidate would have to be, but nothing on the evaluation side moved."""
    from autosota.agents.supervisor.audit import audit

    for name in ("script", "scaled", "regression"):
        files, change = offer(name, "validation-split")
        tree = MemoryTree(files)
        verdict = audit(tree, PatchedTree(tree, dict(change.changes)), objective(CASES[name][0]))
        codes = {f.code for f in verdict.findings if f.code.startswith(("EV", "LK"))}
        assert codes == set(), (name, verdict.findings)


def test_what_the_last_round_left_is_followed_into_the_next() -> None:
    rounds = """
last, history = 0.0, []
for _ in range(3):
    history.append(last)
    last = accuracy_score(y_test, model.predict(X_test))
print(f"METRIC test_accuracy={max(history):.4f}")
"""
    text = files_of("script")["train.py"].decode().partition("accuracy = accuracy")[0] + rounds
    change = offered({"train.py": text.encode()}, objective("test_accuracy"))["validation-split"]
    assert isinstance(change, SetupChange), change
    written = change.changes["train.py"].decode()
    for line in (
        "val_last, val_history = 0.0, []\n",
        "    val_history.append(val_last)\n",
        "    val_last = accuracy_score(y_val, model.predict(X_val))\n",
        "val_accuracy = max(val_history)\n",
    ):
        assert line in written, line
