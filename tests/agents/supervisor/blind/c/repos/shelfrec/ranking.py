import numpy as np

K = 10


def ndcg_at_k(scores, seen, truth, k=K):
    """scores [readers, books]; seen: list of seen book ids per row; truth: one held-out id per row.

    Full ranking over the catalogue; books already borrowed are not candidates.
    """
    total = 0.0
    for row, hidden, gold in zip(scores, seen, truth):
        row = row.copy()
        row[list(hidden)] = -np.inf
        rank = int((row > row[gold]).sum() + (row == row[gold]).sum() - 1)
        if rank < k:
            total += 1.0 / np.log2(rank + 2)
    return total / len(truth)
