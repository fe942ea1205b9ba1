"""Rolling-origin backtest of day-ahead load (24 steps) for each substation."""
import numpy as np

HORIZON = 24
SEASON = 168


def rolling_origins(start, stop, step=HORIZON):
    return range(start, stop - HORIZON + 1, step)


def mase(actual, forecast, history):
    scale = np.abs(history[SEASON:] - history[:-SEASON]).mean()
    return np.abs(actual - forecast).mean() / max(scale, 1e-8)


def borders(n):
    return int(n * 0.7), int(n * 0.85)
