"""Full ranking over the whole catalogue, already bought items are masked."""
import argparse
import json
import pickle
from pathlib import Path

import numpy as np

from cartrec.baskets import Baskets

CUTOFFS = (10, 20)


def rank_of(scores, target, seen):
    scores = scores.copy()
    scores[[i for i in seen if i != target]] = -np.inf
    better = (scores > scores[target]).sum()
    ties = (scores == scores[target]).sum() - 1
    return int(better + ties)


def ranking(model, baskets, part):
    targets = getattr(baskets, part)
    ranks = np.array([rank_of(model.scores(u), t, baskets.seen(u, part)) for u, t in targets.items()])
    result = {}
    for k in CUTOFFS:
        hit = ranks < k
        result[f"recall@{k}"] = float(hit.mean())
        result[f"ndcg@{k}"] = float((hit / np.log2(ranks + 2)).mean())
    return result


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--dir", default="runs/r")
    ns = ap.parse_args()
    with open(Path(ns.dir) / "model.pkl", "rb") as fh:
        model = pickle.load(fh)
    baskets = Baskets()
    report = {part: ranking(model, baskets, part) for part in ("valid", "test")}
    (Path(ns.dir) / "ranking.json").write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
