from __future__ import annotations

import argparse
import copy
import json
import random
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader

from .augment import training_transform
from .data import LeafDataset
from .engine import evaluate, train_epoch
from .model import LeafNet


def parse_args(argv=None):
    parser = argparse.ArgumentParser("leafscan")
    parser.add_argument("--data", default="data")
    parser.add_argument("--out", default="out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--dropout", type=float, default=0.0)
    return parser.parse_args(argv)


def set_seed(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def build_loaders(args):
    train = LeafDataset(args.data, "train", training_transform())
    val = LeafDataset(args.data, "val")
    test = LeafDataset(args.data, "test")
    loaders = {
        "train": DataLoader(train, args.batch_size, shuffle=True, drop_last=len(train) > args.batch_size),
        "val": DataLoader(val, 256),
        "test": DataLoader(test, 256),
    }
    return loaders, train.n_classes


def main(argv=None):
    args = parse_args(argv)
    set_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)

    loaders, n_classes = build_loaders(args)
    model = LeafNet(n_classes, args.width, args.dropout).to(device)
    criterion = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(
        model.parameters(), lr=args.lr, momentum=0.9, weight_decay=args.weight_decay, nesterov=True
    )

    best, best_state = -1.0, None
    for epoch in range(args.epochs):
        loss = train_epoch(model, loaders["train"], optimizer, criterion, device)
        score = evaluate(model, loaders["val"], n_classes, device)
        print(f"epoch {epoch + 1:3d}  loss {loss:.4f}  val {score:.4f}", flush=True)
        if score > best:
            best, best_state = score, copy.deepcopy(model.state_dict())

    model.load_state_dict(best_state)
    test = evaluate(model, loaders["test"], n_classes, device)
    torch.save(best_state, out / "leafnet.pt")
    (out / "result.json").write_text(json.dumps({"val_bacc": best, "test_bacc": test}))
    print(f"METRIC val_bacc={best:.5f}")
    print(f"METRIC test_bacc={test:.5f}")


if __name__ == "__main__":
    main()
