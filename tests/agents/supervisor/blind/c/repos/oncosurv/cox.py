import numpy as np


class CoxRidge:
    """Breslow partial likelihood with an L2 penalty, by Newton's method."""

    def __init__(self, penalty=1.0, steps=25):
        self.penalty = penalty
        self.steps = steps

    def fit(self, X, time, event):
        order = np.argsort(-time, kind="stable")
        X, event = X[order], event[order]
        p = X.shape[1]
        self.w = np.zeros(p)
        for _ in range(self.steps):
            e = np.exp(np.clip(X @ self.w, -30, 30))
            s0 = np.cumsum(e)
            s1 = np.cumsum(e[:, None] * X, axis=0)
            s2 = np.cumsum(e[:, None, None] * X[:, :, None] * X[:, None, :], axis=0)
            mean = s1 / s0[:, None]
            d = event == 1
            grad = (X[d] - mean[d]).sum(0) - self.penalty * self.w
            cov = s2[d] / s0[d][:, None, None] - mean[d][:, :, None] * mean[d][:, None, :]
            hess = cov.sum(0) + self.penalty * np.eye(p)
            step = np.linalg.solve(hess, grad)
            self.w += step
            if np.abs(step).max() < 1e-7:
                break
        return self

    def risk(self, X):
        return X @ self.w
