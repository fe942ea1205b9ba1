"""Cohort construction for the 30-day ICU readmission study."""
import numpy as np
import pandas as pd

VITALS = ["hr_max", "sbp_min", "resp_max", "temp_max", "spo2_min"]
LABS = ["lactate", "creatinine", "wbc", "sodium"]
CODES = ["unit", "admit_source"]
OUTCOME = "readmit_30d"


def load_export(path):
    adm = pd.read_csv(path, parse_dates=["admit_ts", "discharge_ts"])
    adm = adm[adm["age"] >= 18]
    adm = adm[~adm["died_in_unit"].astype(bool)]
    adm["los_h"] = (adm["discharge_ts"] - adm["admit_ts"]).dt.total_seconds() / 3600.0
    adm = adm.sort_values("admit_ts").reset_index(drop=True)
    return adm


def era_masks(adm):
    year = adm["admit_ts"].dt.year
    return (year <= 2017).to_numpy(), (year == 2018).to_numpy(), (year == 2019).to_numpy()


def add_history(adm):
    """Number of earlier stays; uses only the past of each patient."""
    adm = adm.copy()
    adm["n_prior"] = adm.groupby("patient_id").cumcount()
    prev_end = adm.groupby("patient_id")["discharge_ts"].shift(1)
    gap = (adm["admit_ts"] - prev_end).dt.total_seconds() / 86400.0
    adm["days_since_prev"] = gap.fillna(999.0).clip(0, 999)
    return adm


def numeric_block(adm):
    cols = ["age", "los_h", "n_prior", "days_since_prev"] + VITALS + LABS
    return adm[cols].astype(float)


def code_block(adm, vocab=None):
    if vocab is None:
        vocab = {c: sorted(adm[c].dropna().unique()) for c in CODES}
    parts = []
    for col, levels in vocab.items():
        for lv in levels:
            parts.append((adm[col] == lv).to_numpy(dtype=float))
    return np.stack(parts, axis=1), vocab
