"""Satellite cloud tiles: uint8 images [N, 64, 64, 4] and labels 0..9."""
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset


class Tiles(Dataset):
    def __init__(self, path, mean=None, std=None, train=False):
        blob = np.load(path)
        self.images = torch.from_numpy(blob["images"]).permute(0, 3, 1, 2).float() / 255.0
        self.labels = torch.from_numpy(blob["labels"]).long()
        if mean is None:
            mean = self.images.mean(dim=(0, 2, 3))
            std = self.images.std(dim=(0, 2, 3)) + 1e-6
        self.mean, self.std = mean, std
        self.train = train

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        x = (self.images[i] - self.mean[:, None, None]) / self.std[:, None, None]
        if self.train and torch.rand(()) < 0.5:
            x = x.flip(-1)
        return x, self.labels[i]


def make_loaders(cfg):
    d = cfg["data"]
    train = Tiles(d["train_file"], train=True)
    val = Tiles(d["val_file"], train.mean, train.std)
    test = Tiles(d["test_file"], train.mean, train.std)
    bs = cfg["eval"]["batch_size"]
    return (
        DataLoader(train, batch_size=d["batch_size"], shuffle=True),
        DataLoader(val, batch_size=bs),
        DataLoader(test, batch_size=bs),
    )
