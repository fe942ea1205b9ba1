import numpy as np


def snv(S):
    """Standard normal variate: each spectrum on its own."""
    return (S - S.mean(1, keepdims=True)) / (S.std(1, keepdims=True) + 1e-9)


def smooth(S, half=2):
    kernel = np.ones(2 * half + 1) / (2 * half + 1)
    return np.apply_along_axis(lambda r: np.convolve(r, kernel, mode="same"), 1, S)
