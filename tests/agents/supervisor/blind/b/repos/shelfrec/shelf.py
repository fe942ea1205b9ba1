import argparse
import os

import numpy as np

from loans import leave_two_out, load_loans, n_books, pairs


class Bpr:
    def __init__(self, n_u, n_b, dim=64, lr=0.05, reg=1e-4, seed=0):
        self.rng = np.random.default_rng(seed)
        self.P = self.rng.normal(0, 0.1, (n_u, dim))
        self.Q = self.rng.normal(0, 0.1, (n_b, dim))
        self.bias = np.zeros(n_b)
        self.lr, self.reg = lr, reg

    def epoch(self, u, b):
        for i in self.rng.permutation(len(u)):
            uu, pos = u[i], b[i]
            neg = self.rng.integers(len(self.Q))
            d = self.Q[pos] - self.Q[neg]
            x = self.P[uu] @ d + self.bias[pos] - self.bias[neg]
            g = 1.0 / (1.0 + np.exp(x))
            pu = self.P[uu].copy()
            self.P[uu] += self.lr * (g * d - self.reg * pu)
            self.Q[pos] += self.lr * (g * pu - self.reg * self.Q[pos])
            self.Q[neg] += self.lr * (-g * pu - self.reg * self.Q[neg])
            self.bias[pos] += self.lr * (g - self.reg * self.bias[pos])
            self.bias[neg] -= self.lr * (g + self.reg * self.bias[neg])

    def scores(self, users):
        return self.P[users] @ self.Q.T + self.bias


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--dump", required=True)
    ap.add_argument("--epochs", type=int, default=25)
    a = ap.parse_args()
    hist = load_loans()
    train, _, _ = leave_two_out(hist)
    n_u, n_b = 1 + max(hist), n_books(hist)
    model = Bpr(n_u, n_b, seed=a.seed)
    u, b = pairs(train)
    for ep in range(a.epochs):
        model.epoch(u, b)
        print("bpr epoch", ep)
    users = np.array(sorted(train))
    s = model.scores(users)
    for row, uu in enumerate(users):
        s[row, train[uu]] = -np.inf
    os.makedirs(a.dump, exist_ok=True)
    np.savez(os.path.join(a.dump, "scores.npz"), users=users, scores=s.astype("f4"))


if __name__ == "__main__":
    main()
