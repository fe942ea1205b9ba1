"""Logged rounds of a news recommender that chose articles at random with known odds.

Each file has context [n, d], action [n], reward [n] (click, 0 or 1) and propensity [n],
the chance with which the logging policy chose that action.
"""
from collections import namedtuple

import numpy as np

Log = namedtuple("Log", "context action reward propensity")


def read(folder, part):
    with np.load(f"{folder}/{part}.npz") as f:
        log = Log(f["context"].astype(float), f["action"].astype(int),
                  f["reward"].astype(float), f["propensity"].astype(float))
    assert (log.propensity > 0).all()
    return log


def n_actions(folder):
    with np.load(f"{folder}/train.npz") as f:
        return int(f["n_actions"])
