"""Day-ahead quantile forecasts of a wind farm, rolling origin."""
import argparse

import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingRegressor

TAUS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
LAGS = (24, 48, 168)


def read():
    frame = pd.read_csv("scada/farm.csv", parse_dates=["time"]).set_index("time")
    return frame.resample("1h").mean()


def features(frame):
    out = pd.DataFrame(index=frame.index)
    out["wind"] = frame["nwp_speed"]
    out["wind3"] = frame["nwp_speed"] ** 3
    out["dir_sin"] = np.sin(np.deg2rad(frame["nwp_direction"]))
    out["dir_cos"] = np.cos(np.deg2rad(frame["nwp_direction"]))
    for lag in LAGS:
        out[f"lag{lag}"] = frame["power"].shift(lag)
    return out


def pinball(truth, guess, tau):
    gap = truth - guess
    return float(np.mean(np.maximum(tau * gap, (tau - 1) * gap)))


def forecast(train_x, train_y, test_x, seed):
    out = {}
    for tau in TAUS:
        model = GradientBoostingRegressor(loss="quantile", alpha=tau, n_estimators=150,
                                          max_depth=4, random_state=seed)
        model.fit(train_x, train_y)
        out[tau] = model.predict(test_x)
    return out


def evaluate(x, y, start, stop, seed):
    losses = []
    for origin in pd.date_range(start, stop, freq="MS"):
        until = origin + pd.offsets.MonthBegin()
        past, now = x.index < origin, (x.index >= origin) & (x.index < until)
        guesses = forecast(x[past], y[past], x[now], seed)
        losses += [pinball(y[now].to_numpy(), guesses[tau], tau) for tau in TAUS]
    return float(np.mean(losses))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    seed = parser.parse_args().seed
    frame = read()
    x, y = features(frame), frame["power"]
    keep = x.notna().all(axis=1) & y.notna()
    x, y = x[keep], y[keep]
    print(f"METRIC pinball_val={evaluate(x, y, '2021-01-01', '2021-06-01', seed):.5f}")
    print(f"METRIC pinball_test={evaluate(x, y, '2021-07-01', '2021-12-01', seed):.5f}")


if __name__ == "__main__":
    main()
