"""One-second clips as log-mel pictures, twelve words.

clips/train.npz, val.npz and test.npz hold mel [n, 40, 98] float32, word [n] int64 and
speaker [n]; no speaker is in two parts.
"""
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

N_WORDS = 12


class Clips(Dataset):
    def __init__(self, folder, part, mean=None, std=None, augment=None):
        with np.load(Path(folder) / f"{part}.npz") as f:
            self.mel = f["mel"].astype(np.float32)
            self.word = f["word"].astype(np.int64)
            self.speaker = f["speaker"]
        self.mean = self.mel.mean() if mean is None else mean
        self.std = self.mel.std() if std is None else std
        self.augment = augment

    def __len__(self):
        return len(self.word)

    def __getitem__(self, i):
        x = torch.from_numpy((self.mel[i] - self.mean) / self.std)
        if self.augment is not None:
            x = self.augment(x)
        return x[None], int(self.word[i])


def shift_in_time(x, most=8):
    return torch.roll(x, int(torch.randint(-most, most + 1, ())), dims=-1)


def loaders(folder, batch, workers=0):
    train = Clips(folder, "train", augment=shift_in_time)
    rest = {part: Clips(folder, part, train.mean, train.std) for part in ("val", "test")}
    out = {"train": DataLoader(train, batch, shuffle=True, num_workers=workers, drop_last=True)}
    out.update({part: DataLoader(clips, 256, num_workers=workers) for part, clips in rest.items()})
    return out
