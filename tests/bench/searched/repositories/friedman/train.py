"""Gradient boosting on Friedman's first function: squared error by number of stages."""

import argparse

import numpy as np
from sklearn.datasets import make_friedman1
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.metrics import mean_squared_error

STAGES = 50
RATE = 0.05
DEPTH = 3
TRAIN, VAL, TEST = 250, 800, 1200


def make_data():
    """Rows of all parts, always the same; the noise has a standard deviation of one."""
    return make_friedman1(n_samples=TRAIN + VAL + TEST, noise=1.0, random_state=1991)


def bootstrap(x, y, rng):
    rows = rng.integers(0, len(y), len(y))
    return x[rows], y[rows]


def build(seed):
    return GradientBoostingRegressor(
        n_estimators=STAGES, learning_rate=RATE, max_depth=DEPTH, random_state=seed
    )


def evaluate(model, x, y):
    return mean_squared_error(y, model.predict(x))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    x, y = make_data()
    x_train, y_train = bootstrap(x[:TRAIN], y[:TRAIN], np.random.default_rng(args.seed))
    model = build(args.seed)
    model.fit(x_train, y_train)
    x_val, y_val = x[TRAIN : TRAIN + VAL], y[TRAIN : TRAIN + VAL]
    x_test, y_test = x[TRAIN + VAL :], y[TRAIN + VAL :]
    print(f"METRIC val_mse={evaluate(model, x_val, y_val):.6f}")
    print(f"METRIC test_mse={evaluate(model, x_test, y_test):.6f}")


if __name__ == "__main__":
    main()
