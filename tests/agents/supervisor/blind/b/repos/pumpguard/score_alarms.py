import csv
import json
import sys

import numpy as np


def rank_auc(pos, neg):
    pos, neg = np.asarray(pos), np.asarray(neg)
    gt = (pos[:, None] > neg[None, :]).sum()
    eq = (pos[:, None] == neg[None, :]).sum()
    return (gt + 0.5 * eq) / (len(pos) * len(neg))


def main(run_dir):
    with open(f"{run_dir}/alarms.json") as fh:
        s = json.load(fh)
    faulty, healthy = [], []
    with open("annotations/test.csv") as fh:
        for row in csv.DictReader(fh):
            (faulty if row["fault"] == "1" else healthy).append(s[row["rec"]])
    print(f"METRIC auroc={rank_auc(faulty, healthy):.5f}")


if __name__ == "__main__":
    main(sys.argv[1])
