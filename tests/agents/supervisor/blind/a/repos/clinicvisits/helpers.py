"""Reading, plotting labels, and so on."""
import numpy as np
import pandas as pd

HELD_OUT = 13


def read_series(path):
    table = pd.read_csv(path, parse_dates=["week"])
    out = {}
    for clinic, rows in table.groupby("clinic"):
        series = rows.set_index("week")["visits"].asfreq("W-MON").astype(float)
        out[clinic] = series.interpolate()
    return out


def nice_name(clinic):
    return clinic.replace("_", " ").title()


def _smape(truth, guess):
    bottom = (np.abs(truth) + np.abs(guess)) / 2
    return 100 * np.mean(np.abs(truth - guess) / np.where(bottom == 0, 1, bottom))


def summarise(pairs):
    each = {nice_name(c): {"smape": float(_smape(t, g))} for c, (t, g) in pairs.items()}
    overall = float(np.mean([row["smape"] for row in each.values()]))
    return {"overall": {"smape": overall}, "clinics": each}
