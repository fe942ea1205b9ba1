import json
from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

CORPUS = Path("corpus")
EMOTIONS = ["anger", "joy", "neutral", "sadness"]


class Utterances(Dataset):
    def __init__(self, part, frames=300, mean=None, std=None, jitter=False):
        entries = json.loads((CORPUS / "parts.json").read_text())[part]
        self.entries = [e for e in entries if e["emotion"] in EMOTIONS]
        self.frames, self.mean, self.std, self.jitter = frames, mean, std, jitter

    def __len__(self):
        return len(self.entries)

    def load(self, i):
        return np.load(CORPUS / "mel" / f"{self.entries[i]['id']}.npy")

    def __getitem__(self, i):
        mel = self.load(i)
        if self.mean is not None:
            mel = (mel - self.mean) / self.std
        start = np.random.randint(0, max(1, len(mel) - self.frames)) if self.jitter else 0
        mel = mel[start:start + self.frames]
        mel = np.pad(mel, ((0, self.frames - len(mel)), (0, 0)))
        return torch.from_numpy(mel).float(), EMOTIONS.index(self.entries[i]["emotion"])


class EmotionData(pl.LightningDataModule):
    def __init__(self, batch=32):
        super().__init__()
        self.batch = batch

    def setup(self, stage=None):
        raw = Utterances("train")
        stacked = np.concatenate([raw.load(i) for i in range(len(raw))])
        stats = {"mean": stacked.mean(0), "std": stacked.std(0) + 1e-6}
        self.train_part = Utterances("train", jitter=True, **stats)
        self.valid_part = Utterances("valid", **stats)
        self.test_part = Utterances("test", **stats)

    def train_dataloader(self):
        return DataLoader(self.train_part, self.batch, shuffle=True, num_workers=4)

    def val_dataloader(self):
        return DataLoader(self.valid_part, 64, num_workers=4)

    def test_dataloader(self):
        return DataLoader(self.test_part, 64, num_workers=4)
