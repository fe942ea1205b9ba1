import numpy as np


class LinearCox:
    """Breslow partial likelihood with ridge, plain gradient descent."""

    def __init__(self, l2=1e-2, lr=0.05, steps=400):
        self.l2, self.lr, self.steps = l2, lr, steps

    def fit(self, X, t, e):
        order = np.argsort(-t)
        X, e = X[order], e[order]
        self.w = np.zeros(X.shape[1])
        for _ in range(self.steps):
            eta = X @ self.w
            ex = np.exp(eta - eta.max())
            cum = np.cumsum(ex)
            cumx = np.cumsum(ex[:, None] * X, axis=0)
            g = (cumx[e] / cum[e, None] - X[e]).mean(0)
            self.w -= self.lr * (g + self.l2 * self.w)
        return self

    def risk(self, X):
        return X @ self.w
