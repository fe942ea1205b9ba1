import argparse
import logging
import os

import lightgbm as lgb
import yaml

from utils import by_time, ks, load_loans, xy

log = logging.getLogger("scorecard")


def fit(params, train, valid):
    rounds, patience = params.pop("rounds"), params.pop("patience")
    dtrain = lgb.Dataset(*_named(train))
    dvalid = lgb.Dataset(*_named(valid), reference=dtrain)
    return lgb.train(
        params, dtrain, num_boost_round=rounds, valid_sets=[dvalid],
        callbacks=[lgb.early_stopping(patience), lgb.log_evaluation(100)],
    )


def _named(part):
    X, y = xy(part)
    return X, y


def main():
    cli = argparse.ArgumentParser()
    cli.add_argument("--seed", type=int, default=7)
    cli.add_argument("--params", default="params.yaml")
    cli.add_argument("--out", default="out")
    ns = cli.parse_args()
    logging.basicConfig(level=logging.INFO)
    with open(ns.params) as fh:
        params = yaml.safe_load(fh)
    params.update(seed=ns.seed, verbosity=-1)

    train, valid, oot = by_time(load_loans())
    log.info("loans: %d train, %d valid, %d out of time", len(train), len(valid), len(oot))
    booster = fit(params, train, valid)
    os.makedirs(ns.out, exist_ok=True)
    booster.save_model(os.path.join(ns.out, "booster.txt"))
    for title, part in (("valid", valid), ("out-of-time", oot)):
        X, y = xy(part)
        print(f"KS {title}: {ks(y, booster.predict(X)):.5f}")


if __name__ == "__main__":
    main()
