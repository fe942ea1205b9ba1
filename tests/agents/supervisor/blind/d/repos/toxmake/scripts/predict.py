"""Write mol_id,score for the molecules of one part."""
import argparse
import csv

import numpy as np


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--features", required=True)
    ap.add_argument("--model", required=True)
    ap.add_argument("--part", required=True)
    ap.add_argument("--out", required=True)
    a = ap.parse_args()

    f, m = np.load(a.features), np.load(a.model)
    rows = f["part"] == a.part
    score = (f["x"][rows] / m["scale"]) @ m["w"] + m["b"]
    with open(a.out, "w", newline="") as out:
        w = csv.writer(out)
        w.writerow(["mol_id", "score"])
        for i, s in zip(f["ids"][rows], score):
            w.writerow([i, f"{s:.6f}"])


if __name__ == "__main__":
    main()
