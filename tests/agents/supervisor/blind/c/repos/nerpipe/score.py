import argparse

from prepare import sentences


def spans(tags):
    out, start, kind = set(), None, None
    for i, t in enumerate(list(tags) + ["O"]):
        if start is not None and (t[0] != "I" or t[2:] != kind):
            out.add((start, i, kind))
            start = None
        if t[0] == "B" or (t[0] == "I" and start is None):
            start, kind = i, t[2:]
    return out


def main():
    ap = argparse.ArgumentParser()
    for name in ("gold", "pred", "name"):
        ap.add_argument("--" + name, required=True)
    a = ap.parse_args()
    tp = n_pred = n_gold = 0
    with open(a.pred) as f:
        for (_, gold), line in zip(sentences(a.gold), f, strict=True):
            g, p = spans(gold), spans(line.split())
            tp, n_pred, n_gold = tp + len(g & p), n_pred + len(p), n_gold + len(g)
    print(f"METRIC {a.name}={2 * tp / max(n_pred + n_gold, 1):.5f}")


if __name__ == "__main__":
    main()
