"""Score the predictions of train.py: accuracy and macro F1 on validation and test images."""

import argparse
import sys
from pathlib import Path

import numpy as np

LABELS = Path(__file__).parent / "labels"
CLASSES = 10


def load_labels(part):
    """The true digits of a part, shape (n,)."""
    return np.loadtxt(LABELS / f"{part}.csv", dtype=int, skiprows=1)


def load_predictions(path, count):
    """Predicted digits, shape (count,). Anything else ends the program with one line."""
    try:
        predictions = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        sys.exit(f"{path}: no array of predictions: {error}")
    if not isinstance(predictions, np.ndarray):
        sys.exit(f"{path}: an archive; expected one array (np.save)")
    if predictions.shape != (count,):
        sys.exit(f"{path}: expected shape ({count},), found {predictions.shape}")
    if not np.issubdtype(predictions.dtype, np.integer):
        sys.exit(f"{path}: expected integers, found {predictions.dtype}")
    if predictions.min() < 0 or predictions.max() >= CLASSES:
        sys.exit(f"{path}: a digit is between 0 and {CLASSES - 1}")
    return predictions


def accuracy(truth, predicted):
    """Share of images whose digit is right."""
    return np.mean(truth == predicted)


def macro_f1(truth, predicted):
    """Mean over the digits of 2 TP / (2 TP + FP + FN)."""
    scores = []
    for digit in range(CLASSES):
        hits = np.sum((truth == digit) & (predicted == digit))
        scores.append(2 * hits / (np.sum(truth == digit) + np.sum(predicted == digit)))
    return np.mean(scores)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pred", type=Path, required=True, help="the folder train.py wrote to")
    args = parser.parse_args()
    parts = []
    for part in ("val", "test"):  # nothing is printed before both are known to be sound
        truth = load_labels(part)
        parts.append((part, truth, load_predictions(args.pred / f"{part}_pred.npy", len(truth))))
    for part, truth, predicted in parts:
        if part == "test":  # one row per image, so that luck with these images can be told
            rows = np.column_stack([np.arange(len(truth)), truth == predicted])
            path = args.pred / "outcomes.csv"
            np.savetxt(path, rows, fmt="%d", delimiter=",", header="id,value", comments="")
        print(f"METRIC {part}_accuracy={accuracy(truth, predicted):.6f}")
        print(f"METRIC {part}_macro_f1={macro_f1(truth, predicted):.6f}")


if __name__ == "__main__":
    main()
