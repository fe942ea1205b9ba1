"""Score predictions.json against the labels."""
import argparse
import json
from pathlib import Path

from scoring import load_gold, match


def accuracy(truth, predicted):
    pairs = list(zip(truth, predicted))
    return sum(a == b for a, b in pairs) / len(pairs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pred", required=True)
    args = parser.parse_args()
    predictions = json.loads((Path(args.pred) / "predictions.json").read_text())
    truth, predicted = match(load_gold(), predictions)
    print(f"METRIC test_accuracy={accuracy(truth, predicted):.4f}")


if __name__ == "__main__":
    main()
