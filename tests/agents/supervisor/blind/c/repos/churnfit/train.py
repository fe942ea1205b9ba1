import argparse

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from features import LABEL, build_matrix, fit_vocab, read_tables, split_frames
from scoring import average_precision


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--tables", default="tables")
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--c", type=float, default=1.0)
    args = ap.parse_args()
    np.random.seed(args.seed)

    df = read_tables(args.tables)
    parts = split_frames(df, args.tables)
    vocab = fit_vocab(parts["train"])

    X = {k: build_matrix(p, vocab) for k, p in parts.items()}
    y = {k: p[LABEL].to_numpy() for k, p in parts.items()}

    clf = make_pipeline(
        SimpleImputer(strategy="median"),
        StandardScaler(),
        LogisticRegression(C=args.c, max_iter=1000, random_state=args.seed),
    )
    clf.fit(X["train"], y["train"])

    val_scores = clf.predict_proba(X["val"])[:, 1]
    test_scores = clf.predict_proba(X["test"])[:, 1]
    print(f"METRIC val_ap={average_precision(y['val'], val_scores):.5f}")
    print(f"METRIC test_ap={average_precision(y['test'], test_scores):.5f}")


if __name__ == "__main__":
    main()
