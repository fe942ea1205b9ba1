"""Rolling-origin backtest on the last sixty days."""
import argparse
import logging

import numpy as np
import pandas as pd

from forecaster import DirectRidge

HORIZON = 24
WINDOWS = 60
SEASON = 168


def read(path="load.csv"):
    frame = pd.read_csv(path, parse_dates=["time"]).set_index("time")
    series = frame["megawatt"].asfreq("h")
    return series.interpolate(limit=3).ffill()


def windows(series, count, offset=0):
    """Yield (history, future) from the oldest window to the newest."""
    end = len(series) - offset
    for k in range(count, 0, -1):
        cut = end - k * HORIZON
        yield series.iloc[:cut], series.iloc[cut:cut + HORIZON]


def mase(history, future, guess):
    scale = np.abs(history.to_numpy()[SEASON:] - history.to_numpy()[:-SEASON]).mean()
    return np.abs(future.to_numpy() - guess).mean() / scale


def backtest(make, series, count, offset=0, refit_every=7):
    scores, model = [], None
    for k, (history, future) in enumerate(windows(series, count, offset)):
        if k % refit_every == 0:
            model = make().fit(history)
        guess = model.predict(history, future.index)
        scores.append(mase(history, future, guess))
    return float(np.mean(scores))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--alpha", type=float, default=1.0)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    np.random.seed(args.seed)
    series = read()

    def make():
        return DirectRidge(HORIZON, alpha=args.alpha, seed=args.seed)

    tune = backtest(make, series, 30, offset=WINDOWS * HORIZON)
    final = backtest(make, series, WINDOWS)
    print(f"METRIC mase_tune={tune:.5f}")
    print(f"METRIC mase={final:.5f}")


if __name__ == "__main__":
    main()
