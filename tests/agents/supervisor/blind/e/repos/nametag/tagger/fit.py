"""Fit the tagger and write the guesses for dev and test."""
import argparse
import copy
from pathlib import Path

import numpy as np

from tagger import sentences
from tagger.perceptron import Tagger


def token_accuracy(gold, guess):
    pairs = [(a, b) for x, y in zip(gold, guess) for a, b in zip(x, y)]
    return sum(a == b for a, b in pairs) / max(len(pairs), 1)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--corpus", default="corpus")
    ap.add_argument("--out", type=Path, default=Path("out"))
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--passes", type=int, default=6)
    args = ap.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(args.seed)

    train, gold = sentences.words(args.corpus, "train"), sentences.tags(args.corpus, "train")
    dev, dev_gold = sentences.words(args.corpus, "dev"), sentences.tags(args.corpus, "dev")
    tagger = Tagger(sorted({t for row in gold for t in row}))
    best, kept = -1.0, None
    for n in range(args.passes):
        for i in rng.permutation(len(train)):
            guess = tagger.decode(train[i])
            if guess != gold[i]:
                tagger.update(train[i], gold[i], guess)
        accuracy = token_accuracy(dev_gold, [tagger.decode(s) for s in dev])
        print(f"pass {n} dev tokens {accuracy:.4f}")
        if accuracy > best:
            best, kept = accuracy, (copy.copy({f: w.copy() for f, w in tagger.weight.items()}), tagger.move.copy())

    tagger.weight, tagger.move = kept
    for part in ("dev", "test"):
        lines = [" ".join(tagger.decode(s)) for s in sentences.words(args.corpus, part)]
        (args.out / f"{part}.guess").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
