"""Assorted helpers."""
import json
import os

import numpy as np


def zscore(train, *others):
    m, s = train.mean(0), train.std(0) + 1e-9
    return [(x - m) / s for x in (train, *others)]


def concordance(time, event, risk):
    """Harrell's C. A pair counts when the earlier time is an event."""
    num = den = 0.0
    for i in np.flatnonzero(event):
        later = time > time[i]
        den += later.sum()
        num += (risk[i] > risk[later]).sum() + 0.5 * (risk[i] == risk[later]).sum()
    return num / den


def dump(obj, folder, name="metrics.json"):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "w") as fh:
        json.dump(obj, fh, indent=1)
