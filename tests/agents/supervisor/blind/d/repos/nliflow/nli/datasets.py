import json
from pathlib import Path
from typing import Any, Dict, List

import torch
from torch.utils.data import Dataset

LABELS = ["entailment", "neutral", "contradiction"]


def load_pairs(path: Path) -> List[Dict[str, str]]:
    """Lines of {"premise": ..., "hypothesis": ..., "label": ...}."""
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


class PairDataset(Dataset):
    def __init__(self, rows: List[Dict[str, str]], tokenizer: Any):
        self.ids = [tokenizer.encode_pair(r["premise"], r["hypothesis"]) for r in rows]
        self.labels = [LABELS.index(r["label"]) for r in rows]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> Dict[str, Any]:
        return {"input_ids": self.ids[i], "labels": self.labels[i]}


def collate(features: List[Dict[str, Any]]) -> Dict[str, torch.Tensor]:
    width = max(len(f["input_ids"]) for f in features)
    ids = torch.zeros(len(features), width, dtype=torch.long)
    for row, f in enumerate(features):
        ids[row, : len(f["input_ids"])] = torch.tensor(f["input_ids"])
    return {"input_ids": ids, "labels": torch.tensor([f["labels"] for f in features])}
