"""Mean average precision over tags, as in the challenge description."""
import numpy as np


def average_precision(relevance, score):
    order = np.argsort(-score, kind="stable")
    hits = relevance[order]
    if hits.sum() == 0:
        return np.nan
    precision = np.cumsum(hits) / (np.arange(len(hits)) + 1)
    return float((precision * hits).sum() / hits.sum())


def mean_average_precision(targets, scores):
    values = [average_precision(targets[:, k], scores[:, k]) for k in range(targets.shape[1])]
    return float(np.nanmean(values))
