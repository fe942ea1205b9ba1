"""Runs of several programs: Makefiles, and tables that one program writes for the next."""

from __future__ import annotations

import pytest

from autosota.agents.code.tree import MemoryTree, PatchedTree
from autosota.agents.domain import Decision, Objective, Protocol
from autosota.agents.supervisor.audit import audit
from autosota.agents.supervisor.reading import read

MAKEFILE = """include knobs.mk
SEED ?= 0
OUT ?= out
PY ?= python

all: $(OUT)/test.csv
\t@$(PY) score.py --truth data/all.csv --pred $(OUT)/test.csv

$(OUT)/model.npz: fit.py
\t@mkdir -p $(OUT)
\t@$(PY) fit.py --data data/all.csv --l2 $(L2) --seed $(SEED) --out $@

$(OUT)/test.csv: $(OUT)/model.npz predict.py
\t@$(PY) predict.py --data data/all.csv --model $(OUT)/model.npz --out $@
"""
KNOBS = "L2 ?= 0.1  # ridge\n"
FIT = """import argparse
import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
import joblib

p = argparse.ArgumentParser()
p.add_argument("--data")
p.add_argument("--l2", type=float, default=1.0)
p.add_argument("--seed", type=int, default=0)
p.add_argument("--out")
a = p.parse_args()
np.random.seed(a.seed)
rows = pd.read_csv(a.data)
rows = rows[rows.part == "train"]
model = Ridge(alpha=a.l2).fit(rows[["x", "z"]], rows["y"])
joblib.dump(model, a.out)
"""
PREDICT = """import argparse
import csv
import joblib
import pandas as pd

p = argparse.ArgumentParser()
p.add_argument("--data")
p.add_argument("--model")
p.add_argument("--out")
a = p.parse_args()
rows = pd.read_csv(a.data)
rows = rows[rows.part == "test"]
guess = joblib.load(a.model).predict(rows[["x", "z"]])
with open(a.out, "w", newline="") as out:
    w = csv.writer(out)
    w.writerow(["id", "guess"])
    for i, g in zip(rows["id"], guess):
        w.writerow([i, f"{g:.6f}"])
"""
SCORE = """import argparse
import csv
import numpy as np

p = argparse.ArgumentParser()
p.add_argument("--truth")
p.add_argument("--pred")
a = p.parse_args()
with open(a.truth, newline="") as f:
    truth = {r["id"]: float(r["y"]) for r in csv.DictReader(f) if r["part"] == "test"}
with open(a.pred, newline="") as f:
    pred = {r["id"]: float(r["guess"]) for r in csv.DictReader(f)}
missing = truth.keys() - pred.keys()
if missing:
    raise SystemExit(f"{len(missing)} rows without a prediction")
ids = sorted(truth)
error = np.mean(np.abs(np.array([truth[i] for i in ids]) - np.array([pred[i] for i in ids])))
print(f"METRIC mae={error:.5f}")
"""
FILES = {
    "Makefile": MAKEFILE,
    "knobs.mk": KNOBS,
    "fit.py": FIT,
    "predict.py": PREDICT,
    "score.py": SCORE,
}
OBJECTIVE = Objective(
    "make -s all SEED={seed} OUT={run_dir}",
    "mae",
    "mae",
    protocol=Protocol(evaluation=("score.py",), data=("data/*",)),
)
TREE = MemoryTree({path: text.encode() for path, text in FILES.items()})


def verdict(**changes: tuple[str, str]):
    """The verdict on replacements in files, whose names stand here without their ending."""
    done = {}
    for path, text in FILES.items():
        old, new = changes.get(path.partition(".")[0], ("", ""))
        assert old in text
        if old:
            done[path] = text.replace(old, new).encode()
    return audit(TREE, PatchedTree(TREE, done), OBJECTIVE)


def codes(found):
    return {f.code for f in found.findings}


def test_predictions_are_followed_through_the_table_they_are_written_to():
    reading = read(TREE, OBJECTIVE)
    assert reading.unknown == ()
    assert reading.learned, "the model behind predictions.csv was not found"


def test_a_setting_of_an_included_file_is_free():
    assert verdict(knobs=("0.1", "0.01")).decision is Decision.CLEARED


def test_another_model_behind_the_table_is_free():
    found = verdict(fit=("Ridge(alpha=a.l2)", "Ridge(alpha=a.l2, fit_intercept=False)"))
    assert found.decision is Decision.CLEARED, found.findings


def test_training_on_tested_rows_in_another_program_is_seen():
    found = verdict(fit=('rows = rows[rows.part == "train"]', 'rows = rows[rows.part != "valid"]'))
    assert found.decision is not Decision.CLEARED


def test_labels_that_reach_the_table_are_seen():
    found = verdict(predict=('f"{g:.6f}"', 'f"{0.5 * g:.6f}"'))
    assert found.decision is not Decision.REJECTED
    told = verdict(
        predict=('zip(rows["id"], guess)', 'zip(rows["id"], 0.9 * guess + 0.1 * rows["y"])')
    )
    assert told.decision is not Decision.CLEARED


def test_targets_in_another_order_of_writing_are_no_change():
    found = verdict(
        Makefile=(
            "$(OUT)/model.npz: fit.py\n\t@mkdir -p $(OUT)\n",
            "$(OUT):\n\t@mkdir -p $@\n\nhelp:\n\t@echo make all\n\n"
            "$(OUT)/model.npz: fit.py | $(OUT)\n",
        )
    )
    assert found.decision is Decision.CLEARED, found.findings


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("--pred $(OUT)/test.csv\n", "--pred $(OUT)/test.csv | sed s/0./0.0/\n", "EV209"),
        ("PY ?= python", "PY ?= ./wrapper", "EV209"),
        ("\t@mkdir -p $(OUT)\n", "\t@cp data/all.csv $(OUT)/cache.csv\n", "EV209"),
        ("\t@mkdir -p $(OUT)\n", "\t@mkdir -p $(OUT)\n\t@echo METRIC mae=0.1\n", "EV213"),
        ("OUT ?= out\n", "OUT ?= out\nexport PYTHONPATH=shims\n", "EV209"),
        ("PY ?= python", "  PY = ./wrapper\nPY ?= python", "EV209"),
        ("SEED ?= 0\n", "PY = ./wrapper\nSEED ?= 0\n", "EV209"),
        ("all: $(OUT)/test.csv\n", "all: PY = ./wrapper\nall: $(OUT)/test.csv\n", "EV209"),
        ("\t@$(PY) score.py", "\t@$P score.py", "EV209"),
    ],
)
def test_what_a_makefile_newly_does_is_told(old, new, code):
    found = verdict(Makefile=(old, new))
    assert found.decision is not Decision.CLEARED
    assert code in codes(found), found.findings


def test_a_makefile_that_takes_the_place_of_the_other_is_judged():
    text = MAKEFILE.replace("\t@mkdir -p $(OUT)\n", "\t@cp data/all.csv $(OUT)/cache.csv\n")
    found = audit(TREE, PatchedTree(TREE, {"GNUmakefile": text.encode()}), OBJECTIVE)
    assert found.decision is not Decision.CLEARED


def test_a_claim_out_of_a_file_that_was_not_followed_is_never_cleared():
    write = 'with open(a.out, "w", newline="") as out:\n    w = csv.writer(out)\n'
    odd = 'import os\nwith os.fdopen(os.open(a.out, 65), "w") as out:\n    w = csv.writer(out)\n'
    files = {path: text.encode() for path, text in FILES.items()}
    files["predict.py"] = PREDICT.replace(write, odd).encode()
    tree = MemoryTree(files)
    reading = read(tree, OBJECTIVE)
    assert any("test.csv" in why for why in reading.unknown), reading.unknown
    changed = FIT.replace('rows.part == "train"', 'rows.part != "valid"').encode()
    found = audit(tree, PatchedTree(tree, {"fit.py": changed}), OBJECTIVE)
    assert found.decision is not Decision.CLEARED


HISTORIES = """import numpy as np
import pandas as pd

plays = pd.read_csv("data/plays.csv").sort_values("time")
history, goal = {}, {}
for user, tracks in plays.groupby("user")["track"]:
    seq = tracks.tolist()
    history[user], goal[user] = seq[:-1], seq[-1]


class Neighbours:
    def fit(self, history):
        R = np.zeros((len(history), 500), dtype=np.float32)
        for row, seq in enumerate(history.values()):
            R[row, seq] = 1.0
        self.S = R.T @ R
        return self

    def scores(self, seq):
        return self.S[seq].sum(axis=0)


model = Neighbours().fit(history)
hits = 0
for user, wanted in goal.items():
    s = model.scores(history[user])
    hits += np.sum(s >= s[wanted]) <= 20
print(f"METRIC recall={hits / len(goal):.5f}")
"""


def test_histories_that_the_base_takes_in_whole_may_be_learned_from_in_another_way():
    tree = MemoryTree({"train.py": HISTORIES.encode()})
    objective = Objective("python train.py", "recall", "recall")

    def of(old: str, new: str):
        changed = HISTORIES.replace(old, new)
        assert changed != HISTORIES
        return audit(tree, PatchedTree(tree, {"train.py": changed.encode()}), objective)

    solved = "self.S = -np.linalg.inv(R.T @ R + 50 * np.eye(500))"
    honest = of("500), dtype=np.float32)", "500))").decision
    assert honest is of("self.S = R.T @ R", solved).decision is Decision.CLEARED
    whole = of("fit(history)\nhits", "fit({u: history[u] + [goal[u]] for u in history})\nhits")
    assert whole.decision is not Decision.CLEARED


FOLDS = """import sys
import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

table = pd.read_csv("data/table.csv")
fit, held = table[table.day < 15], table[table.day >= 15]
COLUMNS = ["a", "b"]
scores = []
for tr, va in KFold(5).split(fit):
    part = fit.iloc[va]
    model = Ridge().fit(fit.iloc[tr][COLUMNS], fit.iloc[tr]["y"])
    scores.append(np.abs(model.predict(part[COLUMNS]) - part["y"]).mean())
model = Ridge().fit(fit[COLUMNS], fit["y"])
print(f"METRIC cv={np.mean(scores)}")
print(f"METRIC mae={np.abs(model.predict(held[COLUMNS]) - held['y']).mean()}")
"""


def test_a_splitter_is_no_row():
    tree = MemoryTree({"train.py": FOLDS.encode()})
    changed = FOLDS.replace("fit, held =", 'table["c"] = table.a * table.b\nfit, held =')
    changed = changed.replace('["a", "b"]', '["a", "b", "c"]').encode()
    found = audit(
        tree,
        PatchedTree(tree, {"train.py": changed}),
        Objective("python train.py", "mae", "cv"),
    )
    assert not [f for f in found.findings if "KFold" in f.message], found.findings
