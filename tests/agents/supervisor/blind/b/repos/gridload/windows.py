import numpy as np
import pandas as pd


def read_series(cfg):
    df = pd.read_csv(cfg["csv"], parse_dates=["ts"], index_col="ts").sort_index()
    df["hour"] = df.index.hour / 23.0
    df["weekday"] = df.index.weekday / 6.0
    return df[[cfg["target"]] + cfg["covariates"]].interpolate(limit=3).dropna()


def cut(df, cfg):
    v, t = pd.Timestamp(cfg["split"]["val_from"]), pd.Timestamp(cfg["split"]["test_from"])
    return df[df.index < v], df[(df.index >= v) & (df.index < t)], df[df.index >= t]


class Scaler:
    def fit(self, arr):
        self.m, self.s = arr.mean(0), arr.std(0) + 1e-8
        return self

    def fwd(self, arr):
        return (arr - self.m) / self.s

    def inv_target(self, y):
        return y * self.s[0] + self.m[0]


def slide(arr, context, horizon, step=1):
    X, Y = [], []
    for i in range(0, len(arr) - context - horizon + 1, step):
        X.append(arr[i: i + context])
        Y.append(arr[i + context: i + context + horizon, 0])
    return np.stack(X).astype("f4"), np.stack(Y).astype("f4")
