"""Features of a click that are known when it happens."""
import pandas as pd


def load(path):
    clicks = pd.read_parquet(path)
    return clicks.sort_values("clicked_at").reset_index(drop=True)


def build(clicks):
    out = clicks.copy()
    out["hour"] = out["clicked_at"].dt.hour
    previous = out.groupby("ip")["clicked_at"].shift(1)
    out["wait_s"] = (out["clicked_at"] - previous).dt.total_seconds().fillna(1e6)
    out["n_prev_ip"] = out.groupby("ip").cumcount()
    return out
