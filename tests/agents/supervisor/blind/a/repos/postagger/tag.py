"""Averaged perceptron tagger, no dependencies."""
import argparse
import json
import random
from collections import defaultdict


def lines(path):
    with open(path, encoding="utf8") as fh:
        return [line.split() for line in fh]


def features(words, i, prev):
    word = words[i]
    before = words[i - 1] if i else "<s>"
    after = words[i + 1] if i + 1 < len(words) else "</s>"
    return ["bias", "w=" + word.lower(), "suf3=" + word[-3:], "cap=" + str(word[0].isupper()),
            "prev=" + prev, "before=" + before.lower(), "after=" + after.lower()]


class Perceptron:
    def __init__(self, tags):
        self.tags = sorted(tags)
        self.w = defaultdict(lambda: defaultdict(float))
        self.sum = defaultdict(lambda: defaultdict(float))
        self.clock = 1

    def best(self, feats):
        score = dict.fromkeys(self.tags, 0.0)
        for f in feats:
            for tag, v in self.w.get(f, {}).items():
                score[tag] += v
        return max(self.tags, key=score.get)

    def update(self, truth, guess, feats):
        if truth != guess:
            for f in feats:
                for tag, v in ((truth, 1.0), (guess, -1.0)):
                    self.w[f][tag] += v
                    self.sum[f][tag] += self.clock * v
        self.clock += 1

    def average(self):
        for f, row in self.w.items():
            for tag in row:
                row[tag] -= self.sum[f][tag] / self.clock

    def tag(self, words):
        out = []
        for i in range(len(words)):
            out.append(self.best(features(words, i, out[-1] if out else "<s>")))
        return out


def learn(ns):
    rng = random.Random(ns.seed)
    data = list(zip(lines("text/train.txt"), lines("gold/train.tags")))
    model = Perceptron({t for _, tags in data for t in tags})
    for _ in range(ns.rounds):
        rng.shuffle(data)
        for words, tags in data:
            prev = "<s>"
            for i, truth in enumerate(tags):
                feats = features(words, i, prev)
                prev = model.best(feats)
                model.update(truth, prev, feats)
    model.average()
    with open(ns.model, "w") as fh:
        json.dump({"tags": model.tags, "w": model.w}, fh)


def apply(ns):
    with open(ns.model) as fh:
        saved = json.load(fh)
    model = Perceptron(saved["tags"])
    model.w = saved["w"]
    with open(ns.to, "w", encoding="utf8") as fh:
        for words in lines(ns.text):
            fh.write(" ".join(model.tag(words)) + "\n")


def main():
    ap = argparse.ArgumentParser()
    sub = ap.add_subparsers(required=True)
    a = sub.add_parser("learn")
    a.add_argument("--seed", type=int, default=5)
    a.add_argument("--rounds", type=int, default=5)
    a.add_argument("--model", required=True)
    a.set_defaults(run=learn)
    b = sub.add_parser("apply")
    for name in ("--model", "--text", "--to"):
        b.add_argument(name, required=True)
    b.set_defaults(run=apply)
    ns = ap.parse_args()
    ns.run(ns)


if __name__ == "__main__":
    main()
