"""Intersection over union, accumulated over a whole part."""
import numpy as np

IGNORE = 255


class Confusion:
    def __init__(self, classes):
        self.matrix = np.zeros((classes, classes), dtype=np.int64)

    def add(self, truth, guess):
        n = len(self.matrix)
        valid = truth != IGNORE
        index = n * truth[valid].astype(np.int64) + guess[valid]
        self.matrix += np.bincount(index, minlength=n * n).reshape(n, n)

    def iou(self):
        hit = np.diag(self.matrix)
        union = self.matrix.sum(0) + self.matrix.sum(1) - hit
        return hit / np.maximum(union, 1)

    def mean_iou(self):
        return float(self.iou().mean())
