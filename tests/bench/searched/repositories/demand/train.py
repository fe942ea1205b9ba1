"""Demand six hours ahead from the last day, by a sparse linear model. Mean absolute error."""

import argparse

import numpy as np
from series import make_series, windows
from sklearn.linear_model import Lasso

CONFIG = {
    "lags": 24,
    "horizon": 6,
    "train_rows": 500,
}


def load():
    """Windows in time order: the first ten weeks, then three weeks, then three weeks."""
    series = make_series()
    week = 24 * 7
    lags, horizon = CONFIG["lags"], CONFIG["horizon"]
    train = windows(series[: 10 * week], lags, horizon)
    val = windows(series[10 * week : 13 * week], lags, horizon)
    test = windows(series[13 * week :], lags, horizon)
    return train, val, test


class Forecaster:
    """The next hours as a weighted sum of the last ones."""

    def __init__(self):
        self.model = Lasso(alpha=1.0)

    def fit(self, x, y):
        self.model.fit(x, y)
        return self

    def predict(self, x):
        return self.model.predict(x)


def evaluate(forecaster, x, y):
    return np.abs(forecaster.predict(x) - y).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    (x, y), val, test = load()
    rows = np.random.default_rng(args.seed).choice(len(y), CONFIG["train_rows"], replace=False)
    forecaster = Forecaster().fit(x[rows], y[rows])
    print(f"METRIC val_mae={evaluate(forecaster, *val):.6f}")
    print(f"METRIC test_mae={evaluate(forecaster, *test):.6f}")


if __name__ == "__main__":
    main()
