"""Episodes of N classes with K shown images each; the classes of the parts are disjoint."""
import numpy as np

EVAL_SEED = 20177


def read(folder, part):
    with np.load(f"{folder}/{part}.npz") as f:
        return f["image"].reshape(len(f["image"]), -1).astype(np.float32), f["label"]


def episode(image, label, ways, shots, queries, rng):
    """support [ways * shots, d], query [ways * queries, d], target [ways * queries]"""
    support, query = [], []
    for c in rng.choice(np.unique(label), ways, replace=False):
        rows = rng.permutation(np.flatnonzero(label == c))[:shots + queries]
        support.append(image[rows[:shots]])
        query.append(image[rows[shots:]])
    target = np.repeat(np.arange(ways), [len(q) for q in query])
    return np.concatenate(support), np.concatenate(query), target
