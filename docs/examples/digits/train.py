"""Train a classifier of stroke digits and predict the validation and the test images."""

import argparse
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier

DATA = Path(__file__).parent / "data"


def load_images(name):
    """Images as rows of pixels between 0 and 1, shape (n, 256)."""
    return np.load(DATA / f"{name}_images.npy") / 255.0


def load_train_labels():
    return np.loadtxt(DATA / "train_labels.csv", dtype=int, skiprows=1)


def build_model(seed):
    return RandomForestClassifier(n_estimators=100, min_samples_leaf=2, random_state=seed)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out"))
    args = parser.parse_args()

    images, labels = load_images("train"), load_train_labels()
    model = build_model(args.seed)
    model.fit(images, labels)

    args.out.mkdir(parents=True, exist_ok=True)
    for name in ("val", "test"):
        np.save(args.out / f"{name}_pred.npy", model.predict(load_images(name)))
    print(f"trained on {len(labels)} images, seed {args.seed}")


if __name__ == "__main__":
    main()
