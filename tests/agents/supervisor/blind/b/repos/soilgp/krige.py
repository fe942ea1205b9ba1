"""Gaussian-process kriging of soil moisture, numpy only."""
import argparse
import csv

import numpy as np

N_TEST = 120


def read_plots(fn="soil_plots.csv"):
    rows = list(csv.DictReader(open(fn)))
    xy = np.array([[float(r["east"]), float(r["north"]), float(r["elev"])] for r in rows])
    z = np.array([float(r["moisture"]) for r in rows])
    return xy, z


def partition(n):
    idx = np.random.default_rng(5).permutation(n)
    return idx[N_TEST:], idx[:N_TEST]


def rbf(A, B, ls, amp):
    d = (A[:, None] - B[None]) / ls
    return amp * np.exp(-0.5 * (d ** 2).sum(-1))


class Kriging:
    def __init__(self, ls, amp, noise):
        self.ls, self.amp, self.noise = ls, amp, noise

    def fit(self, X, z):
        self.X = X
        K = rbf(X, X, self.ls, self.amp) + self.noise * np.eye(len(X))
        self.L = np.linalg.cholesky(K)
        self.mean = z.mean()
        self.alpha = np.linalg.solve(self.L.T, np.linalg.solve(self.L, z - self.mean))
        self.evidence = (-0.5 * (z - self.mean) @ self.alpha - np.log(np.diag(self.L)).sum()
                         - 0.5 * len(z) * np.log(2 * np.pi))
        return self

    def predict(self, Xs):
        return self.mean + rbf(Xs, self.X, self.ls, self.amp) @ self.alpha


def search(X, z, rng, tries=60):
    best = None
    for _ in range(tries):
        ls = np.exp(rng.normal(0, 1, X.shape[1]))
        amp, noise = np.exp(rng.normal(0, 1)), np.exp(rng.normal(-2, 1))
        gp = Kriging(ls, amp, noise).fit(X, z)
        if best is None or gp.evidence > best.evidence:
            best = gp
    return best


def rmse(pred, true):
    return float(np.sqrt(np.mean((pred - true) ** 2)))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=0)
    a = ap.parse_args()
    xy, z = read_plots()
    fit, held = partition(len(z))
    mu, sd = xy[fit].mean(0), xy[fit].std(0)
    X = (xy - mu) / sd
    gp = search(X[fit], z[fit], np.random.default_rng(a.seed))
    print(f"METRIC neg_log_evidence={-gp.evidence:.3f}")
    print(f"METRIC rmse={rmse(gp.predict(X[held]), z[held]):.5f}")


if __name__ == "__main__":
    main()
