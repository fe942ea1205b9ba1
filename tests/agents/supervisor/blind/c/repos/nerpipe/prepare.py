"""CoNLL columns (token, tag) to one JSON line a sentence with string features per token."""
import json
import sys


def sentences(path):
    toks, tags = [], []
    with open(path, encoding="utf-8") as f:
        for line in f:
            line = line.strip()
            if not line:
                if toks:
                    yield toks, tags
                toks, tags = [], []
                continue
            tok, tag = line.split()[:2]
            toks.append(tok)
            tags.append(tag)
    if toks:
        yield toks, tags


def shape(w):
    return "".join("X" if c.isupper() else "x" if c.islower() else "d" if c.isdigit() else c for c in w)


def token_features(toks, i):
    w = toks[i]
    feats = ["w=" + w.lower(), "suf3=" + w[-3:], "shape=" + shape(w)]
    feats.append("prev=" + (toks[i - 1].lower() if i else "<s>"))
    feats.append("next=" + (toks[i + 1].lower() if i + 1 < len(toks) else "</s>"))
    return feats


def main(src, dst):
    with open(dst, "w", encoding="utf-8") as out:
        for toks, tags in sentences(src):
            feats = [token_features(toks, i) for i in range(len(toks))]
            out.write(json.dumps({"tokens": toks, "tags": tags, "feats": feats}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
