"""Library loans: (reader, book, day). Last loan = test, one before = validation."""
from collections import defaultdict

import numpy as np


def load_loans(path="loans.tsv"):
    per = defaultdict(list)
    with open(path) as fh:
        for line in fh:
            u, b, day = map(int, line.split("\t"))
            per[u].append((day, b))
    return {u: [b for _, b in sorted(ev)] for u, ev in per.items() if len(ev) >= 5}


def leave_two_out(hist):
    train = {u: h[:-2] for u, h in hist.items()}
    val = {u: h[-2] for u, h in hist.items()}
    test = {u: h[-1] for u, h in hist.items()}
    return train, val, test


def n_books(hist):
    return 1 + max(max(h) for h in hist.values())


def pairs(train):
    u = np.concatenate([np.full(len(h), k) for k, h in train.items()])
    b = np.concatenate([np.array(h) for h in train.values()])
    return u, b
