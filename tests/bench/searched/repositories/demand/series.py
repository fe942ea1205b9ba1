"""Hourly demand of a small grid: a daily and a weekly cycle, weather, and a slow drift."""

import numpy as np

HOURS = 24 * 7 * 16


def make_series():
    """Demand in megawatts, one value per hour, always the same."""
    rng = np.random.default_rng(1895)
    hour = np.arange(HOURS)
    day = 2 * np.pi * hour / 24
    week = (hour // 24) % 7
    weather = np.zeros(HOURS)
    for i in range(1, HOURS):
        weather[i] = 0.97 * weather[i - 1] + rng.normal(0, 0.6)
    level = 50 + 0.003 * hour + 2.0 * weather
    cycle = 9 * np.sin(day - 1.2) + 4 * np.sin(2 * day + 0.4)
    weekend = np.where(week >= 5, 0.55, 1.0)
    return level + cycle * weekend - 6.0 * (week >= 5) + rng.normal(0, 1.0, HOURS)


def windows(values, lags, horizon):
    """Rows of the last `lags` values, and the value `horizon` hours after each."""
    last = len(values) - horizon
    rows = np.stack([values[i - lags : i] for i in range(lags, last + 1)])
    return rows, values[lags + horizon - 1 : last + horizon]
