"""A support vector machine on twenty mixed signals, a new training sample per seed."""

import argparse

import numpy as np
from sklearn.datasets import make_classification
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

TRAIN, VAL, TEST = 300, 700, 1000


def make_data():
    """Always the same rows; a pool of 1000 comes before validation and test."""
    x, y = make_classification(
        n_samples=1000 + VAL + TEST,
        n_features=20,
        n_informative=8,
        n_redundant=4,
        n_classes=3,
        n_clusters_per_class=2,
        class_sep=1.2,
        flip_y=0.03,
        random_state=3,
    )
    return x, y


def fit(x, y, seed):
    scaler = StandardScaler().fit(x)
    svm = SVC(C=0.3, kernel="rbf", gamma="scale", random_state=seed)
    svm.fit(scaler.transform(x), y)
    return scaler, svm


def evaluate(fitted, x, y):
    scaler, svm = fitted
    return float(np.mean(svm.predict(scaler.transform(x)) == y))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    x, y = make_data()
    rows = np.random.default_rng(args.seed).choice(1000, TRAIN, replace=False)
    fitted = fit(x[rows], y[rows], args.seed)
    val, test = slice(1000, 1000 + VAL), slice(1000 + VAL, None)
    print(f"METRIC val_accuracy={evaluate(fitted, x[val], y[val]):.6f}")
    print(f"METRIC test_accuracy={evaluate(fitted, x[test], y[test]):.6f}")


if __name__ == "__main__":
    main()
