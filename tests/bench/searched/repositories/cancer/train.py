"""Logistic regression on the Wisconsin breast cancer data, over random splits."""

import argparse

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split


def load_parts(seed):
    """Training, validation and test rows: 40, 30 and 30 per cent, by the seed."""
    x, y = load_breast_cancer(return_X_y=True)
    x_train, x_rest, y_train, y_rest = train_test_split(
        x, y, train_size=0.4, stratify=y, random_state=seed
    )
    x_val, x_test, y_val, y_test = train_test_split(
        x_rest, y_rest, test_size=0.5, stratify=y_rest, random_state=seed
    )
    return (x_train, y_train), (x_val, y_val), (x_test, y_test)


def evaluate(model, x, y):
    """Share of right answers."""
    return (model.predict(x) == y).mean()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    (x_train, y_train), val, test = load_parts(args.seed)
    model = LogisticRegression(C=1.0, max_iter=100, random_state=args.seed)
    model.fit(x_train, y_train)
    print(f"METRIC val_accuracy={evaluate(model, *val):.6f}")
    print(f"METRIC test_accuracy={evaluate(model, *test):.6f}")


if __name__ == "__main__":
    main()
