"""A small network as pure functions of a list of (weight, bias)."""
import numpy as np


def init(sizes, rng):
    return [(rng.normal(0, np.sqrt(2 / a), (a, b)), np.zeros(b)) for a, b in zip(sizes, sizes[1:])]


def apply(params, x):
    """Embedding and what the backward pass needs."""
    kept = [x]
    for i, (w, b) in enumerate(params):
        x = x @ w + b
        if i < len(params) - 1:
            x = np.maximum(x, 0)
        kept.append(x)
    return x, kept


def backward(params, kept, grad):
    grads = []
    for i in reversed(range(len(params))):
        if i < len(params) - 1:
            grad = grad * (kept[i + 1] > 0)
        grads.append((kept[i].T @ grad, grad.sum(axis=0)))
        grad = grad @ params[i][0].T
    return grads[::-1]
