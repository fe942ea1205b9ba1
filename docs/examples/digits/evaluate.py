"""Score the predictions of train.py: accuracy and macro F1 on validation and test images."""

import argparse
import sys
from pathlib import Path

import numpy as np
from sklearn.metrics import accuracy_score, f1_score

LABELS = Path(__file__).parent / "labels"


def load_predictions(path, count):
    """Predicted digits as integers, shape (count,). Refuses anything else."""
    predictions = np.load(path, allow_pickle=False)
    if predictions.shape != (count,):
        sys.exit(f"{path}: expected {count} predictions, found shape {predictions.shape}")
    if not np.issubdtype(predictions.dtype, np.integer):
        sys.exit(f"{path}: expected integers, found {predictions.dtype}")
    if predictions.min() < 0 or predictions.max() > 9:
        sys.exit(f"{path}: a digit is between 0 and 9")
    return predictions


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pred", type=Path, required=True, help="the folder train.py wrote to")
    args = parser.parse_args()
    for name in ("val", "test"):
        truth = np.loadtxt(LABELS / f"{name}.csv", dtype=int, skiprows=1)
        predicted = load_predictions(args.pred / f"{name}_pred.npy", len(truth))
        print(f"METRIC {name}_accuracy={accuracy_score(truth, predicted):.6f}")
        print(f"METRIC {name}_macro_f1={f1_score(truth, predicted, average='macro'):.6f}")


if __name__ == "__main__":
    main()
