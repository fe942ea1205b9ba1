import json

import torch
from torch.utils.data import DataLoader, Dataset


class TextDataset(Dataset):
    def __init__(self, path, max_len, train=False):
        with open(path) as f:
            self.rows = [json.loads(line) for line in f]
        self.max_len = max_len
        self.train = train

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        row = self.rows[index]
        ids = row["ids"][: self.max_len]
        ids = ids + [0] * (self.max_len - len(ids))
        return torch.tensor(ids), row["label"]


def build_loaders(cfg):
    loaders = {}
    for part in ["train", "dev", "test"]:
        dataset = TextDataset(f"data/{part}.jsonl", cfg["max_len"], train=part == "train")
        loaders[part] = DataLoader(
            dataset, batch_size=cfg["batch_size"], shuffle=part == "train"
        )
    return loaders
