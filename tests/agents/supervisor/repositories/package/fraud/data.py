from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split

ROOT = Path(__file__).resolve().parents[1]
LABEL = "is_fraud"


def load(path="data/transactions.csv"):
    df = pd.read_csv(ROOT / path)
    return df


def add_features(df):
    df["amount_per_day"] = df["amount"] / (df["age_days"] + 1)
    df["night"] = (df["hour"] < 6).astype(int)
    return df


def make_split(cfg):
    df = add_features(load())
    y = df[LABEL]
    x = df.drop(columns=[LABEL, "id"])
    x_rest, x_test, y_rest, y_test = train_test_split(
        x, y, test_size=cfg["split"]["test_size"], random_state=cfg["split"]["seed"], stratify=y
    )
    x_train, x_val, y_train, y_val = train_test_split(
        x_rest, y_rest, test_size=0.2, random_state=cfg["split"]["seed"], stratify=y_rest
    )
    return (x_train, y_train), (x_val, y_val), (x_test, y_test)
