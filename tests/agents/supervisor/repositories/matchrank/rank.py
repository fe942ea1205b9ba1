import argparse
import os

import numpy as np
import pandas as pd
import xgboost as xgb

from ndcg import ndcg

FEATURES = ["bm25", "title_match", "clicks", "age_days", "length"]


def load(part):
    pairs = pd.read_csv(f"pairs/{part}.csv").sort_values("query")
    pairs["clicks"] = np.log1p(pairs["clicks"])
    return pairs


def mean_ndcg(pairs, scores):
    pairs = pairs.assign(score=scores)
    return np.mean([ndcg(r["grade"].to_numpy(), r["score"].to_numpy()) for _, r in pairs.groupby("query")])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trees", type=int, default=300)
    args = parser.parse_args()
    train, val, test = load("train"), load("val"), load("test")
    ranker = xgb.XGBRanker(objective="rank:ndcg", n_estimators=args.trees, max_depth=6,
                           learning_rate=0.1, random_state=args.seed)
    ranker.fit(train[FEATURES], train["grade"], qid=train["query"])
    print(f"METRIC val_ndcg={mean_ndcg(val, ranker.predict(val[FEATURES])):.5f}")
    test["score"] = ranker.predict(test[FEATURES])
    os.makedirs(args.out, exist_ok=True)
    test[["query", "doc", "score"]].to_csv(os.path.join(args.out, "scores.csv"), index=False)


if __name__ == "__main__":
    main()
