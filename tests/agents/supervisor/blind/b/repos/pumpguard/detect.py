import argparse
import json
import os

import numpy as np

from telemetry_io import log_bands, recordings


class BandGaussian:
    """Full-covariance Gaussian on log band energies with shrinkage."""

    def __init__(self, shrink=0.05):
        self.shrink = shrink

    def fit(self, X):
        self.mu = X.mean(0)
        cov = np.cov(X.T)
        iso = np.trace(cov) / len(cov) * np.eye(len(cov))
        cov = (1 - self.shrink) * cov + self.shrink * iso
        self.prec = np.linalg.inv(cov)
        self.logdet = np.linalg.slogdet(cov)[1]
        return self

    def nll(self, X):
        d = X - self.mu
        maha = np.einsum("ij,jk,ik->i", d, self.prec, d)
        return 0.5 * (maha + self.logdet + X.shape[1] * np.log(2 * np.pi))


def pool(frame_scores):
    return float(np.mean(frame_scores))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--out", required=True)
    a = ap.parse_args()
    rng = np.random.default_rng(a.seed)
    normal = list(recordings("normal").values())
    order = rng.permutation(len(normal))
    cut = int(0.8 * len(normal))
    fit_X = np.concatenate([log_bands(normal[i]) for i in order[:cut]])
    val_X = np.concatenate([log_bands(normal[i]) for i in order[cut:]])
    det = BandGaussian().fit(fit_X)
    print(f"METRIC val_loglik={-det.nll(val_X).mean():.4f}")
    scores = {name: pool(det.nll(log_bands(sig))) for name, sig in recordings("test").items()}
    os.makedirs(a.out, exist_ok=True)
    with open(os.path.join(a.out, "alarms.json"), "w") as fh:
        json.dump(scores, fh)


if __name__ == "__main__":
    main()
