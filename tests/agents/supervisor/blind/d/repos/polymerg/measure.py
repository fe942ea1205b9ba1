"""Mean absolute error in kelvin."""
import torch


def mae(actual, predicted):
    assert actual.shape == predicted.shape
    return float(torch.mean(torch.abs(actual - predicted)))
