import torch
from torch.utils.data import DataLoader, TensorDataset
import numpy as np

def get_loaders(cfg):
    out = []
    for split in ("train", "val", "test"):
        blob = np.load(f"{cfg.root}/{split}.npz")
        x = torch.from_numpy(blob["x"]).float()
        y = torch.from_numpy(blob["y"]).long()
        out.append(DataLoader(TensorDataset(x, y), batch_size=cfg.batch_size, shuffle=split == "train"))
    return out
