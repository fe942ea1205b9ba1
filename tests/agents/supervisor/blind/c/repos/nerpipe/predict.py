import argparse
import pickle

from fit import Tagger, read


def main():
    ap = argparse.ArgumentParser()
    for name in ("model", "input", "output"):
        ap.add_argument("--" + name, required=True)
    a = ap.parse_args()
    with open(a.model, "rb") as f:
        tags, weights = pickle.load(f)
    tagger = Tagger(tags)
    tagger.w.update(weights)
    with open(a.output, "w") as out:
        for sent in read(a.input):
            out.write(" ".join(tagger.decode(sent["feats"])) + "\n")


if __name__ == "__main__":
    main()
