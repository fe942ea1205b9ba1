import sys

import pandas as pd

from ndcg import ndcg

scores = pd.read_csv(sys.argv[1])
truth = pd.read_csv(sys.argv[2])
merged = truth.merge(scores, on=["query", "doc"], how="left")
merged["score"] = merged["score"].fillna(-1e9)
values = [ndcg(rows["grade"].to_numpy(), rows["score"].to_numpy()) for _, rows in merged.groupby("query")]
print(f"METRIC ndcg={sum(values) / len(values):.5f}")
