import argparse

import numpy as np

import backtest
import design


class Ridge:
    def __init__(self, alpha):
        self.alpha = alpha

    def fit(self, X, y):
        self.mu, self.sd = X.mean(0), X.std(0) + 1e-8
        self.mu[0], self.sd[0] = 0.0, 1.0
        Z = (X - self.mu) / self.sd
        A = Z.T @ Z + self.alpha * np.eye(Z.shape[1])
        self.w = np.linalg.solve(A, Z.T @ y)
        return self

    def predict(self, X):
        return ((X - self.mu) / self.sd) @ self.w


def fit_one(series, temp, end, alpha):
    times = np.arange(backtest.SEASON, end)
    return Ridge(alpha).fit(design.rows(series, temp, times), series[times])


def backtest_score(models, load, temp, start, stop):
    scores = []
    for s in range(load.shape[0]):
        history = load[s, :start]
        for o in backtest.rolling_origins(start, stop):
            times = np.arange(o, o + backtest.HORIZON)
            guess = models[s].predict(design.rows(load[s], temp[s], times))
            scores.append(backtest.mase(load[s, times], guess, history))
    return float(np.mean(scores))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--folder", default="load")
    ap.add_argument("--alpha", type=float, default=1.0)
    ap.add_argument("--seed", type=int, default=0)
    args = ap.parse_args()
    np.random.seed(args.seed)

    load = np.load(f"{args.folder}/load.npy")   # [stations, hours]
    temp = np.load(f"{args.folder}/temp_day_ahead.npy")
    n = load.shape[1]
    val_start, test_start = backtest.borders(n)

    models = [fit_one(load[s], temp[s], val_start, args.alpha) for s in range(len(load))]
    print(f"METRIC val_mase={backtest_score(models, load, temp, val_start, test_start):.5f}")
    models = [fit_one(load[s], temp[s], test_start, args.alpha) for s in range(len(load))]
    print(f"METRIC test_mase={backtest_score(models, load, temp, test_start, n):.5f}")


if __name__ == "__main__":
    main()
