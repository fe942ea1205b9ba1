import csv
import os
import random

import numpy as np
from metrics import mae, rmse

SEED = int(os.environ.get("SEED", "0"))


def read(path):
    with open(path) as f:
        rows = list(csv.reader(f))[1:]
    return np.array([[float(v) for v in row] for row in rows])


def split(table):
    rng = np.random.default_rng(1234)
    order = rng.permutation(len(table))
    cut = int(0.7 * len(table))
    stop = int(0.85 * len(table))
    return table[order[:cut]], table[order[cut:stop]], table[order[stop:]]


class Ridge:
    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def fit(self, x, y):
        self.mean = x.mean(axis=0)
        self.scale = x.std(axis=0) + 1e-8
        z = np.c_[np.ones(len(x)), (x - self.mean) / self.scale]
        eye = np.eye(z.shape[1])
        self.w = np.linalg.solve(z.T @ z + self.alpha * eye, z.T @ y)
        return self

    def predict(self, x):
        z = np.c_[np.ones(len(x)), (x - self.mean) / self.scale]
        return z @ self.w


if __name__ == "__main__":
    random.seed(SEED)
    np.random.seed(SEED)
    table = read("data/power.csv")
    train, val, test = split(table)
    model = Ridge(alpha=1.0).fit(train[:, :-1], train[:, -1])
    for name, part in (("val", val), ("test", test)):
        pred = model.predict(part[:, :-1])
        print(f"METRIC {name}_rmse={rmse(part[:, -1], pred):.6f}")
        print(f"METRIC {name}_mae={mae(part[:, -1], pred):.6f}")
