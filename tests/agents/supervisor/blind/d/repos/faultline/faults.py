#!/usr/bin/env python3
"""Which surface fault does a steel plate have?  Tabular data, seven classes.

The table has one row per inspected plate.  Plates of one coil look alike, so a coil
is either wholly in the training part or wholly in the test part.
"""
import argparse
import zlib

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

TARGET = "fault"
NOT_FEATURES = [TARGET, "coil", "plate_id"]


def load(path):
    table = pd.read_csv(path)
    table = table.sort_values("plate_id").reset_index(drop=True)
    return table


def make_split(table, test_share=0.25):
    """Boolean mask of the test rows, decided by a hash of the coil number."""
    bucket = table["coil"].map(lambda c: zlib.crc32(f"coil-{c}".encode()) % 1000)
    return (bucket < 1000 * test_share).to_numpy()


def mcc(y_true, y_pred):
    """Multi-class Matthews correlation coefficient (Gorodkin 2004)."""
    classes = np.unique(np.concatenate([y_true, y_pred]))
    t = (np.asarray(y_true)[:, None] == classes).astype(float)
    p = (np.asarray(y_pred)[:, None] == classes).astype(float)
    cov = lambda a, b: ((a - a.mean(0)) * (b - b.mean(0))).sum()
    denom = np.sqrt(cov(t, t) * cov(p, p))
    return 0.0 if denom == 0 else float(cov(t, p) / denom)


def features(table):
    X = table.drop(columns=NOT_FEATURES).astype(float)
    return X


def build(seed, C):
    return Pipeline([
        ("scale", StandardScaler()),
        ("svc", SVC(C=C, gamma="scale", random_state=seed)),
    ])


def cross_validate(model, X, y, seed, folds=5):
    scores = []
    for fit, held in StratifiedKFold(folds, shuffle=True, random_state=seed).split(X, y):
        m = clone(model).fit(X.iloc[fit], y[fit])
        scores.append(mcc(y[held], m.predict(X.iloc[held])))
    return float(np.mean(scores))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", default="plates.csv")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--C", type=float, default=1.0)
    opts = parser.parse_args()

    table = load(opts.table)
    is_test = make_split(table)
    X, y = features(table), table[TARGET].to_numpy()
    X_train, y_train = X[~is_test], y[~is_test]
    X_test, y_test = X[is_test], y[is_test]

    model = build(opts.seed, opts.C)
    cv = cross_validate(model, X_train, y_train, opts.seed)
    model.fit(X_train, y_train)
    y_hat = model.predict(X_test)

    print("METRIC cv_mcc=%.5f" % cv)
    print("METRIC test_mcc=%.5f" % mcc(y_test, y_hat))
