import h5py
import numpy as np
import torch
from torch.utils.data import Dataset


class Clips(Dataset):
    """Log-mel patches and multi-hot tags of one subset."""

    def __init__(self, subset, frames=128, training=False):
        with h5py.File(f"features/{subset}.h5", "r") as store:
            self.mel = store["mel"][:]
            self.tags = store["tags"][:].astype("float32")
        self.frames = frames
        self.training = training

    def __len__(self):
        return len(self.mel)

    def __getitem__(self, index):
        mel = self.mel[index]
        start = np.random.randint(0, mel.shape[0] - self.frames + 1) if self.training else 0
        patch = torch.from_numpy(mel[start:start + self.frames])
        return patch, torch.from_numpy(self.tags[index])
