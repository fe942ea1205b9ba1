import json

import numpy as np
import pandas as pd

NUMERIC = ["tenure_months", "monthly_fee", "calls_to_support", "data_gb", "late_payments"]
CATEGORICAL = ["plan", "region", "device"]
LABEL = "churned"


def read_tables(folder):
    users = pd.read_csv(f"{folder}/users.csv")
    usage = pd.read_csv(f"{folder}/usage.csv")
    df = users.merge(usage, on="user_id", how="left", validate="one_to_one")
    return df.sort_values("user_id").reset_index(drop=True)


def split_frames(df, folder):
    with open(f"{folder}/split.json") as f:
        ids = json.load(f)
    parts = {}
    for name in ("train", "val", "test"):
        parts[name] = df[df["user_id"].isin(ids[name])].reset_index(drop=True)
    return parts


def build_matrix(part, vocab):
    num = part[NUMERIC].astype(float).to_numpy()
    blocks = [num]
    for col in CATEGORICAL:
        levels = vocab[col]
        onehot = (part[col].to_numpy()[:, None] == np.array(levels)[None, :]).astype(float)
        blocks.append(onehot)
    return np.hstack(blocks)


def fit_vocab(train):
    return {c: sorted(train[c].dropna().unique()) for c in CATEGORICAL}
