"""Next-item recommendation for shopping sessions."""
import argparse
import json
import os
import random
from collections import Counter
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Config:
    dim: int = 100
    lr: float = 2e-3
    epochs: int = 12
    batch: int = 256
    max_len: int = 30
    dropout: float = 0.2


def read(part):
    with open(f"sessions/{part}.txt") as handle:
        return [[int(i) for i in line.split()] for line in handle if len(line.split()) > 1]


def pad(sessions, max_len):
    out = torch.zeros(len(sessions), max_len, dtype=torch.long)
    for row, session in enumerate(sessions):
        recent = session[-max_len:]
        out[row, -len(recent):] = torch.tensor(recent)
    return out


class Gru(nn.Module):
    def __init__(self, n_items, config):
        super().__init__()
        self.items = nn.Embedding(n_items + 1, config.dim, padding_idx=0)
        self.gru = nn.GRU(config.dim, config.dim, batch_first=True)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, prefix):
        hidden, _ = self.gru(self.drop(self.items(prefix)))
        return hidden[:, -1] @ self.items.weight.t()


def recall_at(model, sessions, config, k=20):
    """Share of sessions whose last item is among the k best, given all items before."""
    model.eval()
    hits = 0
    with torch.no_grad():
        for start in range(0, len(sessions), 512):
            part = sessions[start:start + 512]
            scores = model(pad([s[:-1] for s in part], config.max_len))
            best = scores.topk(k).indices
            target = torch.tensor([s[-1] for s in part])
            hits += (best == target[:, None]).any(1).sum().item()
    return hits / len(sessions)


def pairs(sessions):
    return [(s[:n], s[n]) for s in sessions for n in range(1, len(s))]


def train(model, sessions, dev, config):
    optimizer = torch.optim.Adam(model.parameters(), lr=config.lr)
    examples = pairs(sessions)
    best, kept = -1.0, None
    for epoch in range(config.epochs):
        model.train()
        random.shuffle(examples)
        for start in range(0, len(examples), config.batch):
            part = examples[start:start + config.batch]
            logits = model(pad([p for p, _ in part], config.max_len))
            loss = F.cross_entropy(logits, torch.tensor([t for _, t in part]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        score = recall_at(model, dev, config)
        print(f"epoch {epoch} dev recall {score:.4f}")
        if score > best:
            best, kept = score, {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(kept)
    return best


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run-dir", required=True)
    args = parser.parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    config = Config()
    sessions, dev, test = read("train"), read("dev"), read("test")
    n_items = max(max(s) for s in sessions + dev + test)
    model = Gru(n_items, config)
    best = train(model, sessions, dev, config)
    result = {"dev": {"recall20": best}, "test": {"recall20": recall_at(model, test, config)}}
    os.makedirs(args.run_dir, exist_ok=True)
    with open(os.path.join(args.run_dir, "result.jsonl"), "a") as handle:
        handle.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
