"""Macro F1 over the queues that occur in the reference."""
import numpy as np


def macro_f1(reference, predicted):
    reference, predicted = np.asarray(reference), np.asarray(predicted)
    assert reference.shape == predicted.shape
    scores = []
    for q in np.unique(reference):
        tp = np.sum((reference == q) & (predicted == q))
        wrong = np.sum((reference == q) != (predicted == q))
        scores.append(2 * tp / (2 * tp + wrong))
    return float(np.mean(scores))


def emit(name, value):
    print(f"METRIC {name}={value:.5f}")
