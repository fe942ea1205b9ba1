"""Logistic regression on the training molecules by mini-batch gradient descent."""
import argparse

import numpy as np


def sigmoid(z):
    return 0.5 * (1.0 + np.tanh(0.5 * z))


def fit(x, y, l2, epochs, lr, rng, batch=64):
    w, b = np.zeros(x.shape[1]), 0.0
    for epoch in range(epochs):
        step = lr / (1 + 0.05 * epoch)
        order = rng.permutation(len(x))
        for i in range(0, len(order), batch):
            take = order[i:i + batch]
            err = sigmoid(x[take] @ w + b) - y[take]
            w -= step * (x[take].T @ err / len(take) + l2 * w)
            b -= step * err.mean()
    return w, b


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--features", required=True)
    ap.add_argument("--l2", type=float, default=0.01)
    ap.add_argument("--epochs", type=int, default=60)
    ap.add_argument("--lr", type=float, default=0.1)
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--out", required=True)
    a = ap.parse_args()

    f = np.load(a.features)
    train = f["part"] == "train"
    x, y = f["x"][train], f["y"][train]
    scale = x.std(axis=0) + 0.2
    w, b = fit(x / scale, y, a.l2, a.epochs, a.lr, np.random.default_rng(a.seed))
    np.savez(a.out, w=w, b=b, scale=scale)


if __name__ == "__main__":
    main()
