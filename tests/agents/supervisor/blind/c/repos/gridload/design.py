import numpy as np

from backtest import HORIZON, SEASON

LAGS = (24, 48, 72, SEASON)


def calendar(t):
    hour = 2 * np.pi * (t % 24) / 24
    week = 2 * np.pi * (t % SEASON) / SEASON
    return np.stack([np.sin(hour), np.cos(hour), np.sin(week), np.cos(week)], axis=-1)


def rows(series, temp, times):
    """One regression row per time; only values at least HORIZON hours old are used.

    temp is the temperature forecast issued the day before, so its value at t is known.
    """
    assert min(LAGS) >= HORIZON
    lagged = np.stack([series[times - k] for k in LAGS], axis=-1)
    weather = np.stack([temp[times], temp[times] ** 2], axis=-1)
    return np.hstack([np.ones((len(times), 1)), lagged, calendar(times), weather])
