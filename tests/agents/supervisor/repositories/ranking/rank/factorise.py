import numpy as np


class MatrixFactorisation:
    def __init__(self, users, items, dim=32, lr=0.05, reg=0.01, seed=0):
        rng = np.random.default_rng(seed)
        self.p = rng.normal(scale=0.1, size=(users, dim))
        self.q = rng.normal(scale=0.1, size=(items, dim))
        self.lr, self.reg = lr, reg

    def fit(self, observed, epochs=20):
        for _ in range(epochs):
            error = observed - self.p @ self.q.T
            self.p += self.lr * (error @ self.q - self.reg * self.p)
            self.q += self.lr * (error.T @ self.p - self.reg * self.q)
        return self

    def scores(self, seen):
        out = self.p @ self.q.T
        out[seen > 0] = -np.inf
        return out
