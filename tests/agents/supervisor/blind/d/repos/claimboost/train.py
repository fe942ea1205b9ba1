"""Fit the claim frequency and report the Poisson deviance of later policies."""
import argparse
import json
import os

import lightgbm as lgb
import numpy as np
import yaml

import columns
from deviance import poisson_deviance


def split(df, cfg):
    month = df[cfg["column"]]
    train = month <= str(cfg["train_until"])
    valid = (month > str(cfg["train_until"])) & (month <= str(cfg["valid_until"]))
    return df[train], df[valid], df[month > str(cfg["valid_until"])]


def dataset(X, df, reference=None):
    return lgb.Dataset(
        X,
        label=columns.observed_frequency(df),
        weight=df[columns.EXPOSURE].to_numpy(),
        categorical_feature=columns.CATEGORICAL,
        reference=reference,
        free_raw_data=False,
    )


def score(model, X, df):
    frequency = model.predict(X, num_iteration=model.best_iteration)
    return poisson_deviance(df[columns.CLAIMS], frequency, df[columns.EXPOSURE])


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--policies", default="policies/policies.csv")
    ap.add_argument("--params", default="params.yaml")
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--out", default="out")
    args = ap.parse_args()

    with open(args.params) as f:
        params = yaml.safe_load(f)
    np.random.seed(args.seed)

    train, valid, test = split(columns.read(args.policies), params["split"])
    encoder = columns.Encoder().fit(train)
    X_train, X_valid, X_test = (encoder.transform(part) for part in (train, valid, test))

    dtrain = dataset(X_train, train)
    dvalid = dataset(X_valid, valid, dtrain)
    model = lgb.train(
        {**params["booster"], "seed": args.seed},
        dtrain,
        num_boost_round=params["rounds"],
        valid_sets=[dvalid],
        callbacks=[lgb.early_stopping(params["early_stopping"], verbose=False)],
    )

    result = {"valid_deviance": score(model, X_valid, valid), "test_deviance": score(model, X_test, test)}
    os.makedirs(args.out, exist_ok=True)
    model.save_model(os.path.join(args.out, "frequency.txt"))
    with open(os.path.join(args.out, "result.json"), "w") as f:
        json.dump(result, f, indent=2)
    for key, value in result.items():
        print(f"METRIC {key}={value:.6f}")


if __name__ == "__main__":
    main()
