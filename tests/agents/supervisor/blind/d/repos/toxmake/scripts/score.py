"""Area under the ROC curve of a prediction file; every molecule of the part must be in it."""
import argparse
import csv

import numpy as np


def auroc(y, s):
    order = np.argsort(s, kind="stable")
    _, inverse, counts = np.unique(s[order], return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean_rank = last - (counts - 1) / 2.0
    ranks = np.empty(len(s))
    ranks[order] = mean_rank[inverse]
    pos = y == 1
    n1, n0 = pos.sum(), (~pos).sum()
    return float((ranks[pos].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--truth", required=True)
    ap.add_argument("--part", required=True)
    ap.add_argument("--pred", required=True)
    a = ap.parse_args()
    with open(a.truth, newline="") as f:
        truth = {r["mol_id"]: int(r["toxic"]) for r in csv.DictReader(f) if r["part"] == a.part}
    with open(a.pred, newline="") as f:
        pred = {r["mol_id"]: float(r["score"]) for r in csv.DictReader(f)}
    missing = truth.keys() - pred.keys()
    if missing:
        raise SystemExit(f"{len(missing)} molecules without a prediction")
    ids = sorted(truth)
    y = np.array([truth[i] for i in ids])
    s = np.array([pred[i] for i in ids])
    print(f"METRIC {a.part}_auroc={auroc(y, s):.5f}")
