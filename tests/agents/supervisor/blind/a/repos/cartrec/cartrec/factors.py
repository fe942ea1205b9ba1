"""Matrix factorisation with a BPR loss in plain numpy."""
import numpy as np


class BPR:
    def __init__(self, n_users, n_items, dim=32, lr=0.05, reg=0.002, seed=0):
        self.rng = np.random.default_rng(seed)
        self.P = self.rng.normal(0, 0.1, (n_users, dim))
        self.Q = self.rng.normal(0, 0.1, (n_items, dim))
        self.b = np.zeros(n_items)
        self.lr, self.reg, self.n_items = lr, reg, n_items

    def epoch(self, pairs):
        for u, i in self.rng.permutation(pairs):
            j = self.rng.integers(self.n_items)
            diff = self.b[i] - self.b[j] + self.P[u] @ (self.Q[i] - self.Q[j])
            g = 1.0 / (1.0 + np.exp(diff))
            pu = self.P[u].copy()
            self.P[u] += self.lr * (g * (self.Q[i] - self.Q[j]) - self.reg * pu)
            self.Q[i] += self.lr * (g * pu - self.reg * self.Q[i])
            self.Q[j] += self.lr * (-g * pu - self.reg * self.Q[j])
            self.b[i] += self.lr * (g - self.reg * self.b[i])
            self.b[j] += self.lr * (-g - self.reg * self.b[j])

    def scores(self, user):
        return self.Q @ self.P[user] + self.b
