import argparse

import numpy as np

import cohort
from concordance import cindex
from cox import CoxRidge


def arrays(df):
    return df["months"].to_numpy(), df["died"].to_numpy()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--csv", default="registry/patients.csv")
    ap.add_argument("--penalty", type=float, default=1.0)
    ap.add_argument("--seed", type=int, default=0)
    args = ap.parse_args()
    np.random.seed(args.seed)

    train, val, test = cohort.by_hospital(cohort.read(args.csv))
    prep = cohort.Prep().fit(cohort.raw_matrix(train))
    Xtr, Xva, Xte = (prep.apply(cohort.raw_matrix(d)) for d in (train, val, test))

    t, e = arrays(train)
    model = CoxRidge(args.penalty).fit(Xtr, t, e)

    print(f"METRIC val_cindex={cindex(*arrays(val), model.risk(Xva)):.5f}")
    print(f"METRIC test_cindex={cindex(*arrays(test), model.risk(Xte)):.5f}")


if __name__ == "__main__":
    main()
