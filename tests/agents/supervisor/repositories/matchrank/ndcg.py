import numpy as np

CUT = 10


def ndcg(grade, score):
    order = np.argsort(-score)[:CUT]
    gain = (2.0 ** grade[order] - 1) / np.log2(np.arange(2, len(order) + 2))
    ideal = np.sort(grade)[::-1][:CUT]
    best = ((2.0 ** ideal - 1) / np.log2(np.arange(2, len(ideal) + 2))).sum()
    return float(gain.sum() / best) if best > 0 else 0.0
