"""Cox regression (Breslow's ties) by Newton's method with a ridge penalty."""
import numpy as np


class Cox:
    def __init__(self, ridge=1.0, steps=15):
        self.ridge, self.steps = ridge, steps

    def fit(self, X, time, event):
        order = np.argsort(-time, kind="stable")
        X, time, event = X[order], time[order], event[order].astype(bool)
        last = np.searchsorted(-time, -time, side="right") - 1      # end of the risk set
        self.beta = np.zeros(X.shape[1])
        for _ in range(self.steps):
            w = np.exp(np.clip(X @ self.beta, -20, 20))
            s0 = np.cumsum(w)[last]
            s1 = np.cumsum(w[:, None] * X, axis=0)[last]
            s2 = np.cumsum(w[:, None, None] * X[:, :, None] * X[:, None, :], axis=0)[last]
            mean = s1 / s0[:, None]
            grad = (X - mean)[event].sum(axis=0) - self.ridge * self.beta
            spread = s2 / s0[:, None, None] - mean[:, :, None] * mean[:, None, :]
            hess = spread[event].sum(axis=0) + self.ridge * np.eye(X.shape[1])
            self.beta = self.beta + np.linalg.solve(hess, grad)
        return self

    def risk(self, X):
        return X @ self.beta
