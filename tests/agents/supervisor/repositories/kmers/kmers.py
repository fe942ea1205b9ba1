"""Enzyme or not, from k-mer counts; whole protein families are held out."""
import argparse
import itertools
import json
import os

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import matthews_corrcoef
from sklearn.model_selection import GroupKFold

AMINO = "ACDEFGHIKLMNPQRSTVWY"
HELD_OUT = {"PF00069", "PF00071", "PF00085"}


def fasta(path):
    header, letters = None, []
    with open(path) as handle:
        for line in handle:
            if line.startswith(">"):
                if header:
                    yield header, "".join(letters)
                header, letters = line[1:].split(), []
            else:
                letters.append(line.strip())
    if header:
        yield header, "".join(letters)


def counts(sequence, k=2):
    index = {"".join(p): n for n, p in enumerate(itertools.product(AMINO, repeat=k))}
    out = np.zeros(len(index))
    for start in range(len(sequence) - k + 1):
        position = index.get(sequence[start:start + k])
        if position is not None:
            out[position] += 1
    return out / max(1, len(sequence) - k + 1)


def load():
    rows = list(fasta("families/all.fasta"))
    x = np.stack([counts(sequence) for _, sequence in rows])
    y = np.array([header[2] == "enzyme" for header, _ in rows])
    family = np.array([header[1] for header, _ in rows])
    return x, y, family


def model(seed):
    return RandomForestClassifier(n_estimators=300, random_state=seed, n_jobs=-1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", required=True)
    args = parser.parse_args()
    x, y, family = load()
    outer = np.isin(family, list(HELD_OUT))
    inner = []
    for fit, check in GroupKFold(5).split(x[~outer], y[~outer], family[~outer]):
        forest = model(args.seed).fit(x[~outer][fit], y[~outer][fit])
        inner.append(matthews_corrcoef(y[~outer][check], forest.predict(x[~outer][check])))
    forest = model(args.seed).fit(x[~outer], y[~outer])
    score = matthews_corrcoef(y[outer], forest.predict(x[outer]))
    os.makedirs(os.path.dirname(args.json), exist_ok=True)
    with open(args.json, "w") as handle:
        json.dump({"inner": float(np.mean(inner)), "outer": float(score)}, handle)


if __name__ == "__main__":
    main()
