"""Clinical operating point."""
import numpy as np


def sensitivity_at(y_true, y_prob, specificity):
    """Sensitivity at the lowest threshold that keeps the wanted specificity."""
    y_true = np.asarray(y_true).ravel()
    y_prob = np.asarray(y_prob).ravel()
    negatives = np.sort(y_prob[y_true == 0])
    cut = negatives[int(np.ceil(specificity * len(negatives))) - 1]
    return float((y_prob[y_true == 1] > cut).mean())


def auc(y_true, y_prob):
    y_true = np.asarray(y_true).ravel()
    order = np.asarray(y_prob).ravel().argsort(kind="stable")
    rank = np.empty(len(order))
    rank[order] = np.arange(1, len(order) + 1)
    pos = y_true == 1
    n_pos, n_neg = pos.sum(), (~pos).sum()
    return float((rank[pos].sum() - n_pos * (n_pos + 1) / 2) / (n_pos * n_neg))
