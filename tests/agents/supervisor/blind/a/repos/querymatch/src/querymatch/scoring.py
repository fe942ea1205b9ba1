"""The numbers that go into the paper."""
import numpy as np


def counts(gold, guess):
    gold, guess = np.asarray(gold), np.asarray(guess)
    tp = int(((gold == 1) & (guess == 1)).sum())
    fp = int(((gold == 0) & (guess == 1)).sum())
    fn = int(((gold == 1) & (guess == 0)).sum())
    return tp, fp, fn


def f_score(gold, guess, beta=1.0):
    """F-beta of the positive class."""
    tp, fp, fn = counts(gold, guess)
    b2 = beta * beta
    denom = (1 + b2) * tp + b2 * fn + fp
    return (1 + b2) * tp / denom if denom else 0.0
