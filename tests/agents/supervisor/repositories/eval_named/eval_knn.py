"""Evaluate feature extractors by k-fold cross-validation."""
import argparse

import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def make_model(k):
    return make_pipeline(StandardScaler(), KNeighborsClassifier(n_neighbors=k))


def main(seed):
    x, y = load_wine(return_X_y=True)
    folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=seed)
    scores = []
    for train, test in folds.split(x, y):
        model = make_model(5)
        model.fit(x[train], y[train])
        scores.append((model.predict(x[test]) == y[test]).mean())
    print(f"METRIC accuracy={np.mean(scores):.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args().seed)
