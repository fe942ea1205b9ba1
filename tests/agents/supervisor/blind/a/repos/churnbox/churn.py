"""Predict which subscribers leave within the next thirty days."""
import argparse
import json
import logging
import random
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

log = logging.getLogger("churn")

NUMERIC = ["tenure_months", "total_spend", "calls_to_support", "data_gb", "spend_per_month"]
CATEGORICAL = ["plan", "region", "payment"]
TARGET = "left_within_30d"


def read_table(path):
    df = pd.read_csv(path)
    df = df.drop_duplicates("subscriber_id")
    df["spend_per_month"] = df["total_spend"] / df["tenure_months"].clip(lower=1)
    return df


def build_features():
    numeric = Pipeline([
        ("impute", SimpleImputer(strategy="median")),
        ("scale", StandardScaler()),
    ])
    categorical = Pipeline([
        ("impute", SimpleImputer(strategy="most_frequent")),
        ("onehot", OneHotEncoder(handle_unknown="ignore")),
    ])
    return ColumnTransformer([
        ("num", numeric, NUMERIC),
        ("cat", categorical, CATEGORICAL),
    ])


def build_model(args):
    forest = RandomForestClassifier(
        n_estimators=args.trees,
        max_depth=args.depth,
        random_state=args.seed,
        n_jobs=-1,
    )
    return Pipeline([("features", build_features()), ("clf", forest)])


def main(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--csv", default="data/subscribers.csv")
    parser.add_argument("--out", default="runs/last")
    parser.add_argument("--trees", type=int, default=200)
    parser.add_argument("--depth", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO)

    random.seed(args.seed)
    np.random.seed(args.seed)

    df = read_table(args.csv)
    X, y = df[NUMERIC + CATEGORICAL], df[TARGET].astype(int)
    X_rest, X_hold, y_rest, y_hold = train_test_split(
        X, y, test_size=0.2, random_state=2017, stratify=y)
    X_fit, X_dev, y_fit, y_dev = train_test_split(
        X_rest, y_rest, test_size=0.15, random_state=2018, stratify=y_rest)
    log.info("fit %d, dev %d, holdout %d", len(X_fit), len(X_dev), len(X_hold))

    model = build_model(args)
    model.fit(X_fit, y_fit)

    dev_auc = roc_auc_score(y_dev, model.predict_proba(X_dev)[:, 1])
    prob = model.predict_proba(X_hold)[:, 1]
    holdout_auc = roc_auc_score(y_hold, prob)
    holdout_f1 = f1_score(y_hold, prob > 0.5)

    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_text(json.dumps(
        {"dev_auc": dev_auc, "holdout_auc": holdout_auc, "holdout_f1": holdout_f1}))
    print(f"METRIC dev_auc={dev_auc:.5f}")
    print(f"METRIC holdout_auc={holdout_auc:.5f}")


if __name__ == "__main__":
    main()
