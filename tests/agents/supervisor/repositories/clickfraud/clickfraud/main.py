import argparse
import json
import logging
import os

import lightgbm as lgb
import numpy as np
import pandas as pd
import yaml
from sklearn.metrics import roc_auc_score

from clickfraud import features

log = logging.getLogger("clickfraud")
LABEL = "is_fraud"


def periods(table, settings):
    dev_from, test_from = pd.Timestamp(settings["dev_from"]), pd.Timestamp(settings["test_from"])
    when = table["clicked_at"]
    return table[when < dev_from], table[(when >= dev_from) & (when < test_from)], table[when >= test_from]


def fit(train, dev, columns, categorical, settings, seed):
    params = {
        "objective": "binary", "metric": "auc", "verbosity": -1, "seed": seed,
        "num_leaves": settings["num_leaves"], "learning_rate": settings["learning_rate"],
        "min_data_in_leaf": settings["min_data_in_leaf"],
    }
    data = lgb.Dataset(train[columns], train[LABEL], categorical_feature=categorical)
    watch = lgb.Dataset(dev[columns], dev[LABEL], reference=data)
    return lgb.train(params, data, settings["rounds"], valid_sets=[watch],
                     callbacks=[lgb.early_stopping(30, verbose=False)])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("config")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", required=True)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    with open(args.config) as handle:
        config = yaml.safe_load(handle)

    table = features.build(features.load(config["data"]["path"]))
    categorical = config["features"]["categorical"]
    columns = categorical + config["features"]["numeric"]
    train, dev, test = periods(table, config["data"])
    log.info("%d train, %d dev, %d test", len(train), len(dev), len(test))
    booster = fit(train, dev, columns, categorical, config["model"], args.seed)
    result = {
        "dev_auc": roc_auc_score(dev[LABEL], booster.predict(dev[columns])),
        "test_auc": roc_auc_score(test[LABEL], booster.predict(test[columns])),
        "rounds": booster.best_iteration,
    }
    os.makedirs(os.path.dirname(args.report), exist_ok=True)
    with open(args.report, "w") as handle:
        json.dump(result, handle)


if __name__ == "__main__":
    main()
