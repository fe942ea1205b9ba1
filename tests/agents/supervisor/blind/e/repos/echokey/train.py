"""Keyword spotting on log-mel features."""
import argparse
import copy
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from kws.clips import loaders
from kws.net import WordNet
from kws.score import accuracy


def parse():
    ap = argparse.ArgumentParser()
    ap.add_argument("--clips", default="clips")
    ap.add_argument("--out", type=Path, default=Path("out"))
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--epochs", type=int, default=20)
    ap.add_argument("--batch", type=int, default=64)
    ap.add_argument("--lr", type=float, default=3e-3)
    ap.add_argument("--width", type=int, default=64)
    ap.add_argument("--dropout", type=float, default=0.1)
    return ap.parse_args()


def train_epoch(model, loader, opt, device):
    model.train()
    total = 0.0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        loss = F.cross_entropy(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    return total / max(len(loader), 1)


def main():
    args = parse()
    args.out.mkdir(parents=True, exist_ok=True)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"

    data = loaders(args.clips, args.batch)
    model = WordNet(args.width, args.dropout).to(device)
    opt = torch.optim.Adam(model.parameters(), lr=args.lr)

    best, kept = -1.0, None
    for epoch in range(args.epochs):
        loss = train_epoch(model, data["train"], opt, device)
        acc = accuracy(model, data["val"], device)
        print(f"epoch {epoch} loss {loss:.4f} val {acc:.4f}")
        if acc > best:
            best, kept = acc, copy.deepcopy(model.state_dict())

    model.load_state_dict(kept)
    torch.save(kept, args.out / "model.pt")
    print(f"METRIC val_acc={best:.5f}")
    print(f"METRIC test_acc={accuracy(model, data['test'], device):.5f}")


if __name__ == "__main__":
    main()
