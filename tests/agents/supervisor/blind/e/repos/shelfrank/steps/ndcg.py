"""NDCG at 10, mean over queries with at least one useful product."""
import argparse

import numpy as np
import pandas as pd


def dcg(grades, k=10):
    grades = np.asarray(grades, dtype=float)[:k]
    return float(np.sum((2 ** grades - 1) / np.log2(np.arange(2, len(grades) + 2))))


def mean_ndcg(judged, ranked, k=10):
    table = judged.merge(ranked, on=["query", "product"], how="left")
    table["score"] = table["score"].fillna(-np.inf)
    values = []
    for _, rows in table.groupby("query"):
        ideal = dcg(sorted(rows["grade"], reverse=True), k)
        if ideal > 0:
            values.append(dcg(rows.sort_values("score", ascending=False, kind="stable")["grade"], k) / ideal)
    return float(np.mean(values))


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--judgements", default="judged")
    ap.add_argument("--run", required=True)
    args = ap.parse_args()
    for part in ("valid", "test"):
        judged = pd.read_csv(f"{args.judgements}/{part}.csv")
        print(f"METRIC {part}_ndcg10={mean_ndcg(judged, pd.read_csv(f'{args.run}/{part}.rank.csv')):.5f}")
