"""Probability of default with gradient boosting."""
import argparse
from pathlib import Path

import lightgbm as lgb
import yaml

from features import CATEGORIES, build, load
from report import report
from split import by_month


def fit(table, target, rows, cfg, seed):
    params = dict(objective="binary", metric="auc", verbosity=-1, seed=seed, bagging_freq=1,
                  deterministic=True, num_threads=4,
                  **{k: v for k, v in cfg.items() if k not in ("rounds", "patience")})
    parts = {name: lgb.Dataset(table.iloc[rows[name]], target[rows[name]], categorical_feature=CATEGORIES,
                               free_raw_data=False) for name in ("train", "valid")}
    return lgb.train(params, parts["train"], cfg["rounds"], valid_sets=[parts["valid"]],
                     callbacks=[lgb.early_stopping(cfg["patience"], verbose=False)])


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--config", default="config.yaml")
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--workdir", type=Path, default=Path("work"))
    args = ap.parse_args()
    cfg = yaml.safe_load(open(args.config))
    args.workdir.mkdir(parents=True, exist_ok=True)

    loans, payments = load(cfg["data"])
    rows = by_month(loans, cfg["data"]["valid_from"], cfg["data"]["test_from"])
    table = build(loans, payments, rows["train"], cfg["features"])
    target = loans["bad"].to_numpy()

    model = fit(table, target, rows, cfg["model"], args.seed)
    model.save_model(str(args.workdir / "model.txt"))
    for part in ("valid", "test"):
        report(part, target[rows[part]], model.predict(table.iloc[rows[part]]))


if __name__ == "__main__":
    main()
