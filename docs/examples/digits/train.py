"""Train a random forest on stroke digits and predict the validation and test images."""

import argparse
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier

DATA = Path(__file__).parent / "data"


def load_images(part):
    """Images as rows of pixels between 0 and 1, shape (n, 256)."""
    return np.load(DATA / f"{part}_images.npy") / 255.0


def load_train_labels():
    """The digits of the training images, shape (n,)."""
    return np.loadtxt(DATA / "train_labels.csv", dtype=int, skiprows=1)


def build_model(seed):
    """The classifier of the note: 100 trees on raw pixels, otherwise the library's defaults."""
    return RandomForestClassifier(n_estimators=100, random_state=seed)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out"))
    args = parser.parse_args()

    images, labels = load_images("train"), load_train_labels()
    model = build_model(args.seed)
    model.fit(images, labels)

    args.out.mkdir(parents=True, exist_ok=True)
    for part in ("val", "test"):
        np.save(args.out / f"{part}_pred.npy", model.predict(load_images(part)))
    print(f"trained on {len(labels)} images with seed {args.seed}")


if __name__ == "__main__":
    main()
