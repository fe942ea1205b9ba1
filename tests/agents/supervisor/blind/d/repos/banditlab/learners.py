import numpy as np


def softmax(z):
    z = np.exp(z - z.max(axis=1, keepdims=True))
    return z / z.sum(axis=1, keepdims=True)


class RewardModel:
    """One ridge regression of the click per action, weighted by 1 / propensity."""

    def __init__(self, n_actions, alpha=10.0):
        self.n, self.alpha = n_actions, alpha

    @staticmethod
    def design(context):
        return np.hstack([np.ones((len(context), 1)), context])

    def fit(self, log):
        X = self.design(log.context)
        self.coef = np.zeros((X.shape[1], self.n))
        ridge = self.alpha * np.eye(X.shape[1])
        for a in range(self.n):
            rows = log.action == a
            w = 1.0 / log.propensity[rows]
            A = (X[rows] * w[:, None]).T @ X[rows] + ridge
            self.coef[:, a] = np.linalg.solve(A, X[rows].T @ (w * log.reward[rows]))
        return self

    def predict(self, context):
        return self.design(context) @ self.coef


class Greedy:
    """Softmax of predicted click chances; a low temperature is nearly greedy."""

    def __init__(self, model, temperature):
        self.model, self.temperature = model, temperature

    def __call__(self, context):
        return softmax(self.model.predict(context) / self.temperature)
