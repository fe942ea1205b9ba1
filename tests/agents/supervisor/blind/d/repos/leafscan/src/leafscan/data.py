"""Photographs of single leaves, cropped to squares and stored one file per split.

Each file has `images` (uint8, N x H x W x 3), `labels` (0 .. K-1) and `plants`,
the id of the plant the leaf was picked from.  A plant is in one split only.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

MEAN = torch.tensor([0.47, 0.50, 0.39]).view(3, 1, 1)
STD = torch.tensor([0.21, 0.19, 0.22]).view(3, 1, 1)


class LeafDataset(Dataset):
    def __init__(self, root, split, transform=None):
        with np.load(Path(root) / f"{split}.npz") as blob:
            self.images = blob["images"]
            self.labels = blob["labels"].astype(np.int64)
            self.plants = blob["plants"]
        self.transform = transform

    @property
    def n_classes(self) -> int:
        return int(self.labels.max()) + 1

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = torch.from_numpy(self.images[index]).permute(2, 0, 1).float() / 255
        if self.transform is not None:
            image = self.transform(image)
        return (image - MEAN) / STD, int(self.labels[index])
