"""Which of three growers a wine is from: a decision tree, over random splits."""

import argparse

from sklearn.datasets import load_wine
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier


def get_splits(seed):
    features, growers = load_wine(return_X_y=True)
    rest, test, rest_growers, test_growers = train_test_split(
        features, growers, test_size=60, stratify=growers, random_state=seed
    )
    train, val, train_growers, val_growers = train_test_split(
        rest, rest_growers, test_size=60, stratify=rest_growers, random_state=seed
    )
    return (train, train_growers), (val, val_growers), (test, test_growers)


def get_model(seed):
    return DecisionTreeClassifier(max_depth=4, min_samples_leaf=5, random_state=seed)


def evaluate(model, features, growers):
    return accuracy_score(growers, model.predict(features))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    seed = parser.parse_args().seed
    (features, growers), val, test = get_splits(seed)
    model = get_model(seed)
    model.fit(features, growers)
    print(f"METRIC val_accuracy={evaluate(model, *val):.6f}")
    print(f"METRIC test_accuracy={evaluate(model, *test):.6f}")
