import argparse

import numpy as np
import pandas as pd

from cox.covariates import Standard, raw
from cox.folds import read
from cox.model import Cox


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--registry", default="registry.csv")
    ap.add_argument("--ridge", type=float, default=1.0)
    ap.add_argument("--steps", type=int, default=15)
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--out", required=True)
    args = ap.parse_args()
    np.random.seed(args.seed)

    table, part = read(args.registry)
    train = part == "train"
    X = raw(table)
    X = Standard().fit(X[train])(X)
    time, died = table["time"].to_numpy(dtype=float), table["died"].to_numpy()

    model = Cox(args.ridge, args.steps).fit(X[train], time[train], died[train])
    pd.DataFrame({"patient": table["patient"], "risk": model.risk(X)}).to_csv(args.out, index=False)


if __name__ == "__main__":
    main()
