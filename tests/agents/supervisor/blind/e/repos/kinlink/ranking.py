"""Filtered ranking of the tail (Bordes et al. 2013); ties count by half."""
import numpy as np


def ranks(model, facts, known):
    out = []
    for h, r, t in facts:
        score = model.score_tails(h, r)
        others = np.ones(len(score), dtype=bool)
        others[list(known[(int(h), int(r))])] = False
        higher = np.sum(score[others] > score[t])
        equal = np.sum(score[others] == score[t])
        out.append(1 + higher + 0.5 * equal)
    return np.array(out)


def mean_reciprocal_rank(model, facts, known):
    return float(np.mean(1.0 / ranks(model, facts, known)))


def hits(model, facts, known, k=10):
    return float(np.mean(ranks(model, facts, known) <= k))
