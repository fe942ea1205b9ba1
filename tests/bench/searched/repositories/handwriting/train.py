"""A small perceptron on the 8 x 8 digits: few labels, as in the low-data table of the note."""

import argparse

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

HIDDEN = 32
LEARNING_RATE = 0.001
EPOCHS = 20
BATCH = 32
LABELS = 300


def split():
    """Fixed thirds of the images: a pool to label from, validation, test."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(7).permutation(len(y))
    return [(x[part] / 16.0, y[part]) for part in np.array_split(order, 3)]


def draw(pool, seed):
    """The images that were labelled in this run."""
    x, y = pool
    chosen = np.random.default_rng(seed).choice(len(y), LABELS, replace=False)
    return x[chosen], y[chosen]


def train(x, y, seed):
    model = MLPClassifier(
        hidden_layer_sizes=(HIDDEN,),
        learning_rate_init=LEARNING_RATE,
        batch_size=BATCH,
        max_iter=EPOCHS,
        random_state=seed,
    )
    return model.fit(x, y)


def evaluate(model, part):
    x, y = part
    return np.mean(model.predict(x) == y)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    pool, val, test = split()
    x, y = draw(pool, args.seed)
    model = train(x, y, args.seed)
    print(f"METRIC val_accuracy={evaluate(model, val):.6f}")
    print(f"METRIC test_accuracy={evaluate(model, test):.6f}")


if __name__ == "__main__":
    main()
