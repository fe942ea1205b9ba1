"""Token accuracy of a tag file against a gold file."""
import argparse
import sys


def sentences(path):
    with open(path, encoding="utf8") as fh:
        return [line.split() for line in fh]


def accuracy(gold, guess):
    if len(gold) != len(guess):
        sys.exit(f"{len(gold)} gold sentences but {len(guess)} tagged ones")
    right = total = 0
    for g, p in zip(gold, guess):
        if len(g) != len(p):
            sys.exit("sentence length differs")
        right += sum(a == b for a, b in zip(g, p))
        total += len(g)
    return right / total


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("gold")
    ap.add_argument("guess")
    ap.add_argument("--name", default="")
    ns = ap.parse_args()
    print(f"{ns.name:6s} {accuracy(sentences(ns.gold), sentences(ns.guess)):.5f}")
