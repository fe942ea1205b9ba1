from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset

ROOT = Path("data")
CLASSES = ("background", "nucleus", "membrane", "debris")


class Tiles(Dataset):
    def __init__(self, part, augment=False):
        self.names = (ROOT / "lists" / f"{part}.txt").read_text().split()
        self.augment = augment

    def __len__(self):
        return len(self.names)

    def __getitem__(self, i):
        image = np.asarray(Image.open(ROOT / "tiles" / f"{self.names[i]}.png").convert("RGB")) / 255.0
        mask = np.asarray(Image.open(ROOT / "masks" / f"{self.names[i]}.png"))
        if self.augment and np.random.rand() < 0.5:
            image, mask = image[:, ::-1], mask[:, ::-1]
        image = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float()
        return image, torch.from_numpy(np.ascontiguousarray(mask)).long()
