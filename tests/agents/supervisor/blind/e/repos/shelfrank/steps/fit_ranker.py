import argparse

import numpy as np
import pandas as pd
import xgboost as xgb


def grades(folder, part, query, product):
    table = pd.read_csv(f"{folder}/{part}.csv").set_index(["query", "product"])["grade"]
    return table.reindex(list(zip(query, product))).fillna(0).to_numpy()


def matrix(features, folder, part):
    rows = features["part"] == part
    query, product = features["query"][rows], features["product"][rows]
    order = np.argsort(query, kind="stable")
    y = grades(folder, part, query[order], product[order])
    return xgb.DMatrix(features["X"][rows][order], label=y, qid=query[order])


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--features", required=True)
    ap.add_argument("--judgements", default="judged")
    ap.add_argument("--rounds", type=int, default=400)
    ap.add_argument("--eta", type=float, default=0.05)
    ap.add_argument("--depth", type=int, default=6)
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--out", required=True)
    args = ap.parse_args()
    features = dict(np.load(args.features))
    train, valid = (matrix(features, args.judgements, part) for part in ("train", "valid"))
    params = {"objective": "rank:ndcg", "eval_metric": "ndcg@10", "eta": args.eta, "max_depth": args.depth,
              "subsample": 0.8, "seed": args.seed, "nthread": 4}
    booster = xgb.train(params, train, args.rounds, evals=[(valid, "valid")],
                        early_stopping_rounds=40, verbose_eval=False)
    booster[:booster.best_iteration + 1].save_model(args.out)


if __name__ == "__main__":
    main()
