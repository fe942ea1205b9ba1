"""Character error rate: edits over reference characters, over all lines."""
import sys


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def table(path):
    with open(path, encoding="utf8") as handle:
        return dict(line.rstrip("\n").split("\t") for line in handle)


if __name__ == "__main__":
    guess, truth = table(sys.argv[1]), table(sys.argv[2])
    edits = sum(distance(guess.get(name, ""), text.lower()) for name, text in truth.items())
    print(f"{sys.argv[3]} CER {edits / sum(len(text) for text in truth.values()):.5f}")
