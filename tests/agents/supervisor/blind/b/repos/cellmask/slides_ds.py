import glob
import os

import numpy as np
import torch

CLIP_HI = 4095.0


def names(part):
    return sorted(os.path.basename(p)[:-8] for p in glob.glob(f"slides/{part}/*_img.npy"))


def image(part, n):
    a = np.load(f"slides/{part}/{n}_img.npy").astype("f4")
    return torch.from_numpy(np.clip(a, 0, CLIP_HI) / CLIP_HI)[None]


def mask(part, n):
    return torch.from_numpy(np.load(f"slides/{part}/{n}_msk.npy") > 0).float()[None]


class Crops(torch.utils.data.Dataset):
    def __init__(self, part, size=128, per_epoch=2000):
        self.items = [(image(part, n), mask(part, n)) for n in names(part)]
        self.size, self.per = size, per_epoch

    def __len__(self):
        return self.per

    def __getitem__(self, i):
        x, m = self.items[i % len(self.items)]
        s = self.size
        r = torch.randint(0, x.shape[1] - s + 1, (1,)).item()
        c = torch.randint(0, x.shape[2] - s + 1, (1,)).item()
        return x[:, r:r + s, c:c + s], m[:, r:r + s, c:c + s]
