"""F1 of whole entities: a span is right if both its borders and its type are."""
import argparse
from pathlib import Path


def read(path):
    return [line.split() for line in Path(path).read_text().splitlines()]


def spans(tags):
    out, start, kind = set(), None, None
    for i, tag in enumerate(list(tags) + ["O"]):
        head, _, rest = tag.partition("-")
        if start is not None and (head != "I" or rest != kind):
            out.add((start, i, kind))
            start = None
        if head == "B" or (head == "I" and start is None):
            start, kind = i, rest
    return out


def f1(gold, guess):
    if len(gold) != len(guess) or any(len(a) != len(b) for a, b in zip(gold, guess)):
        raise SystemExit("predictions do not match the sentences")
    right = wanted = found = 0
    for a, b in zip(gold, guess):
        a, b = spans(a), spans(b)
        right, wanted, found = right + len(a & b), wanted + len(a), found + len(b)
    return 2 * right / max(wanted + found, 1)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--out", type=Path, required=True)
    ap.add_argument("--gold", type=Path, required=True)
    args = ap.parse_args()
    for part in ("dev", "test"):
        score = f1(read(args.gold / f"{part}.tags"), read(args.out / f"{part}.guess"))
        print(f"METRIC {part}_f1={score:.5f}")


if __name__ == "__main__":
    main()
