"""Equal error rate: where false alarms and misses are equally frequent."""
import numpy as np


def equal_error_rate(score, same):
    order = np.argsort(-np.asarray(score), kind="stable")
    same = np.asarray(same)[order].astype(int)
    miss = 1 - np.cumsum(same) / max(same.sum(), 1)
    false_alarm = np.cumsum(1 - same) / max((1 - same).sum(), 1)
    i = int(np.argmin(np.abs(miss - false_alarm)))
    return float(100 * (miss[i] + false_alarm[i]) / 2)
