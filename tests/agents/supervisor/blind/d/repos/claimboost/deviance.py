"""Mean Poisson deviance of claim counts, weighted by exposure (years insured)."""
import numpy as np


def poisson_deviance(claims, frequency, exposure):
    claims = np.asarray(claims, dtype=float)
    exposure = np.asarray(exposure, dtype=float)
    mu = np.maximum(np.asarray(frequency, dtype=float) * exposure, 1e-9)
    log_term = np.where(claims > 0, claims * np.log(np.maximum(claims, 1.0) / mu), 0.0)
    return float(2.0 * np.sum(log_term - claims + mu) / np.sum(exposure))
