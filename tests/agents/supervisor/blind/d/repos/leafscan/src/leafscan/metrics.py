"""Balanced accuracy: the mean over classes of the recall of each."""
import torch


def confusion(predicted, actual, n_classes):
    index = actual * n_classes + predicted
    return torch.bincount(index, minlength=n_classes ** 2).reshape(n_classes, n_classes)


def balanced_accuracy(matrix):
    support = matrix.sum(dim=1)
    present = support > 0
    recall = matrix.diag()[present].double() / support[present].double()
    return float(recall.mean())
