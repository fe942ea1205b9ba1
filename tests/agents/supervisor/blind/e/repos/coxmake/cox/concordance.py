"""Harrell's C: among comparable pairs, how often the one who died earlier had the higher risk."""
import argparse

import numpy as np
import pandas as pd

from cox.folds import read


def c_index(time, event, risk):
    right = pairs = 0.0
    for i in np.flatnonzero(event):
        later = time > time[i]
        pairs += later.sum()
        right += (risk[i] > risk[later]).sum() + 0.5 * (risk[i] == risk[later]).sum()
    return float(right / max(pairs, 1))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--registry", default="registry.csv")
    ap.add_argument("--risk", required=True)
    args = ap.parse_args()
    table, part = read(args.registry)
    risk = pd.read_csv(args.risk).set_index("patient")["risk"].reindex(table["patient"]).to_numpy()
    for name in ("val", "test"):
        rows = part == name
        c = c_index(table["time"].to_numpy()[rows], table["died"].to_numpy()[rows], risk[rows])
        print(f"METRIC {name}_cindex={c:.5f}")


if __name__ == "__main__":
    main()
