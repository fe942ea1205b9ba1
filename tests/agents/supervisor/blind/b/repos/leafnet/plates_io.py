"""Leaf disease photographs: plates/{fit,dev,final}/<class>/*.jpg"""
import torch
from torchvision import datasets, transforms

MEAN, STD = (0.47, 0.52, 0.39), (0.21, 0.19, 0.23)


def fit_view(side):
    return transforms.Compose([
        transforms.RandomResizedCrop(side, scale=(0.5, 1.0)),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize(MEAN, STD),
    ])


def plain_view(side):
    return transforms.Compose([
        transforms.Resize(side + 16),
        transforms.CenterCrop(side),
        transforms.ToTensor(),
        transforms.Normalize(MEAN, STD),
    ])


def loaders(root, side, bs, workers=4):
    fit = datasets.ImageFolder(f"{root}/fit", fit_view(side))
    dev = datasets.ImageFolder(f"{root}/dev", plain_view(side))
    final = datasets.ImageFolder(f"{root}/final", plain_view(side))
    mk = torch.utils.data.DataLoader
    return (
        mk(fit, batch_size=bs, shuffle=True, num_workers=workers, drop_last=True),
        mk(dev, batch_size=2 * bs, shuffle=False, num_workers=workers),
        mk(final, batch_size=2 * bs, shuffle=False, num_workers=workers),
        fit.classes,
    )
