"""Turn records into (past, day-ahead target) pairs.

At issue day t the network sees the forcing of days t-LOOKBACK+1 .. t and the discharge of the
same days, and has to give the discharge of day t+LEAD.
"""
import numpy as np

from .gauges import FORCING, period

LOOKBACK = 60
LEAD = 3


class Scaler:
    def __init__(self, stations):
        rows = np.concatenate([df.loc[period(df, "train"), FORCING + ["flow"]].to_numpy() for df in stations.values()])
        self.mean = np.nanmean(rows, axis=0)
        self.std = np.nanstd(rows, axis=0) + 1e-6

    def __call__(self, values):
        return (values - self.mean) / self.std

    def flow(self, z):
        return z * self.std[-1] + self.mean[-1]


def pairs(df, part, scaler):
    """Inputs, targets (m3/s) and target days whose target day lies in `part`."""
    values = scaler(df[FORCING + ["flow"]].to_numpy())
    discharge = df["discharge"].to_numpy()
    inside = period(df, part)
    xs, ys, days = [], [], []
    for t in range(LOOKBACK - 1, len(df) - LEAD):
        past = values[t - LOOKBACK + 1:t + 1]
        goal = t + LEAD
        if inside[goal] and np.isfinite(past).all() and np.isfinite(discharge[goal]):
            xs.append(past)
            ys.append(discharge[goal])
            days.append(goal)
    return np.asarray(xs, dtype=np.float32), np.asarray(ys), np.asarray(days)
