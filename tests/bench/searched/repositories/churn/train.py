"""Which customers leave: one in eight does. Macro F1 of a random forest."""

import argparse

import numpy as np
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score

N_TREES = 25
MAX_DEPTH = 5


def load(part):
    """Customers of one part; the parts are disjoint and always the same."""
    x, y = make_classification(
        n_samples=3200,
        n_features=15,
        n_informative=6,
        n_redundant=3,
        weights=[0.88],
        class_sep=1.0,
        flip_y=0.04,
        random_state=12,
    )
    rows = {"train": slice(0, 1000), "val": slice(1000, 2000), "test": slice(2000, 3200)}[part]
    return x[rows], y[rows]


def resample(x, y, seed):
    """A bootstrap sample: another quarter's customers might have been these."""
    rows = np.random.default_rng(seed).integers(0, len(y), len(y))
    return x[rows], y[rows]


def build_classifier(seed):
    return RandomForestClassifier(
        n_estimators=N_TREES,
        max_depth=MAX_DEPTH,
        random_state=seed,
    )


def evaluate(classifier, part):
    x, y = load(part)
    return f1_score(y, classifier.predict(x), average="macro")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    classifier = build_classifier(args.seed)
    x, y = resample(*load("train"), args.seed)
    classifier.fit(x, y)
    print(f"METRIC val_f1={evaluate(classifier, 'val'):.6f}")
    print(f"METRIC test_f1={evaluate(classifier, 'test'):.6f}")


if __name__ == "__main__":
    main()
