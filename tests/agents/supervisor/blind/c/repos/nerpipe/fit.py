"""Averaged structured perceptron with greedy left-to-right decoding."""
import argparse
import collections
import json
import pickle
import random


def read(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


class Tagger:
    def __init__(self, tags):
        self.tags = tags
        self.w = collections.defaultdict(float)

    def best(self, feats, prev):
        feats = feats + ["t-1=" + prev]
        return max(self.tags, key=lambda t: sum(self.w.get((f, t), 0.0) for f in feats))

    def decode(self, sent_feats):
        out, prev = [], "<s>"
        for feats in sent_feats:
            prev = self.best(feats, prev)
            out.append(prev)
        return out


def learn(train, dev, epochs, seed):
    rng = random.Random(seed)
    m = Tagger(sorted({t for s in train for t in s["tags"]}))
    total, step = collections.defaultdict(float), 0
    for epoch in range(epochs):
        rng.shuffle(train)
        for s in train:
            prev = "<s>"
            for feats, gold in zip(s["feats"], s["tags"]):
                step += 1
                guess = m.best(feats, prev)
                if guess != gold:
                    for f in feats + ["t-1=" + prev]:
                        m.w[f, gold] += 1.0
                        m.w[f, guess] -= 1.0
                        total[f, gold] += step
                        total[f, guess] -= step
                prev = gold
        hit = sum(g == t for s in dev for g, t in zip(m.decode(s["feats"]), s["tags"]))
        print(f"epoch {epoch} dev token acc {hit / sum(len(s['tags']) for s in dev):.4f}")
    for k in m.w:
        m.w[k] -= total[k] / step
    return m


def main():
    ap = argparse.ArgumentParser()
    for name in ("train", "dev", "model"):
        ap.add_argument("--" + name, required=True)
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--epochs", type=int, default=8)
    a = ap.parse_args()
    model = learn(read(a.train), read(a.dev), a.epochs, a.seed)
    with open(a.model, "wb") as f:
        pickle.dump((model.tags, dict(model.w)), f)


if __name__ == "__main__":
    main()
