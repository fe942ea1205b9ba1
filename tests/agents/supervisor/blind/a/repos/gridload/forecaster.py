"""Direct multi-horizon forecaster for hourly load."""
import numpy as np
from sklearn.linear_model import Ridge

LAGS = (1, 2, 3, 24, 25, 48, 168)


def calendar(index):
    hour = index.hour.to_numpy()
    day = index.dayofweek.to_numpy()
    return np.column_stack([
        np.sin(2 * np.pi * hour / 24), np.cos(2 * np.pi * hour / 24),
        np.sin(2 * np.pi * day / 7), np.cos(2 * np.pi * day / 7),
    ])


class DirectRidge:
    """One ridge regression per step ahead."""

    def __init__(self, horizon, alpha=1.0, seed=0):
        self.horizon = horizon
        self.alpha = alpha
        self.seed = seed

    def _row(self, values, t, cal):
        return np.concatenate([[values[t - lag] for lag in LAGS], cal])

    def fit(self, series):
        values, cal = series.to_numpy(), calendar(series.index)
        first = max(LAGS)
        self.models = []
        for step in range(self.horizon):
            rows = [self._row(values, t, cal[t + step]) for t in range(first, len(values) - step)]
            self.models.append(Ridge(self.alpha).fit(np.array(rows), values[first + step:]))
        return self

    def predict(self, history, future_index):
        values, cal = history.to_numpy(), calendar(future_index)
        t = len(values)
        return np.array([m.predict(self._row(values, t, cal[s])[None])[0] for s, m in enumerate(self.models)])
