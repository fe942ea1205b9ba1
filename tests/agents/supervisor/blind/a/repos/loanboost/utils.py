"""Small things shared by the scorecard scripts."""
import os

import numpy as np
import pandas as pd

CATS = ["purpose", "home", "grade_bureau"]
DROP = ["loan_id", "issued", "default_12m", "recoveries", "last_payment"]


def load_loans(path="data/loans.parquet"):
    loans = pd.read_parquet(path)
    loans["issued"] = pd.to_datetime(loans["issued"])
    for col in CATS:
        loans[col] = loans[col].astype("category")
    loans["debt_ratio"] = loans["debt"] / loans["income"].clip(lower=1)
    return loans.sort_values("issued").reset_index(drop=True)


def by_time(loans):
    """Old loans for fitting, the next quarter for validation, the newest out of time."""
    oot = pd.Timestamp(os.environ.get("OOT_START", "2019-07-01"))
    valid = oot - pd.DateOffset(months=3)
    return (
        loans[loans["issued"] < valid],
        loans[(loans["issued"] >= valid) & (loans["issued"] < oot)],
        loans[loans["issued"] >= oot],
    )


def xy(part):
    return part.drop(columns=DROP), part["default_12m"].to_numpy()


def ks(y, p):
    """Largest gap between the two cumulative distributions."""
    order = np.argsort(p)
    y = np.asarray(y)[order]
    good = np.cumsum(1 - y) / max(1, (1 - y).sum())
    bad = np.cumsum(y) / max(1, y.sum())
    return float(np.abs(good - bad).max())
