"""Errors of a regression."""
import numpy as np


def rmse(y_true, y_pred):
    """Root mean squared error."""
    return float(np.sqrt(np.mean((y_true - y_pred) ** 2)))


def mae(y_true, y_pred):
    """Mean absolute error."""
    return float(np.mean(np.abs(y_true - y_pred)))
