"""Routes helpdesk tickets to one of eleven queues."""
import argparse
import csv

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import classification_report, f1_score
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline

from textnorm import strip_greeting, tidy


def read_tickets(fn="tickets.csv"):
    texts, queues = [], []
    with open(fn, newline="", encoding="utf8") as fh:
        for row in csv.DictReader(fh):
            body = strip_greeting(tidy(row["subject"] + " " + row["body"]))
            texts.append(body)
            queues.append(row["queue"])
    return np.array(texts, dtype=object), np.array(queues)


def build(seed):
    return make_pipeline(
        TfidfVectorizer(min_df=3, max_df=0.9, sublinear_tf=True),
        SGDClassifier(loss="log_loss", alpha=1e-5, max_iter=30, random_state=seed),
    )


def cross_validate(X, y, seed, folds=5):
    got = []
    skf = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for tr, va in skf.split(X, y):
        clf = build(seed).fit(X[tr], y[tr])
        got.append(f1_score(y[va], clf.predict(X[va]), average="macro"))
    return float(np.mean(got))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--verbose", action="store_true")
    args = ap.parse_args()

    X, y = read_tickets()
    X_dev, X_held, y_dev, y_held = train_test_split(
        X, y, test_size=0.25, stratify=y, random_state=1999)

    cv = cross_validate(X_dev, y_dev, args.seed)
    print(f"cv macro-F1: {cv:.4f}")

    clf = build(args.seed).fit(X_dev, y_dev)
    guess = clf.predict(X_held)
    print(f"held-out macro-F1: {f1_score(y_held, guess, average='macro'):.4f}")
    if args.verbose:
        print(classification_report(y_held, guess))


if __name__ == "__main__":
    main()
