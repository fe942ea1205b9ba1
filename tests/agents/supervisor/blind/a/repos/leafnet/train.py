"""Train a small convnet on leaf disease photographs."""
import argparse
import json
import logging
import os
import random

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

from leafdata import LeafFolder, make_transform
from nets import LeafNet

logger = logging.getLogger(__name__)


def set_seed(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)


@torch.no_grad()
def score(model, loader, device):
    model.eval()
    hits, seen, nll = 0, 0, 0.0
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        logits = model(images)
        nll += F.cross_entropy(logits, labels, reduction="sum").item()
        hits += (logits.argmax(1) == labels).sum().item()
        seen += labels.numel()
    return {"top1": hits / seen, "nll": nll / seen}


def fit_epoch(model, loader, optimizer, device):
    model.train()
    running = 0.0
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        running += loss.item()
    return running / len(loader)


def get_args():
    p = argparse.ArgumentParser()
    p.add_argument("--root", default="data/leaves")
    p.add_argument("--workdir", default="out")
    p.add_argument("--epochs", type=int, default=30)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--width", type=int, default=32)
    p.add_argument("--seed", type=int, default=0)
    return p.parse_args()


def run():
    args = get_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    set_seed(args.seed)
    os.makedirs(args.workdir, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    train_set = LeafFolder(args.root, "train", make_transform(train=True))
    val_set = LeafFolder(args.root, "val", make_transform(train=False))
    test_set = LeafFolder(args.root, "test", make_transform(train=False))
    train_loader = DataLoader(train_set, args.batch, shuffle=True, num_workers=4)
    val_loader = DataLoader(val_set, 256, num_workers=4)
    test_loader = DataLoader(test_set, 256, num_workers=4)

    model = LeafNet(len(train_set.classes), args.width).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)

    best, best_path = -1.0, os.path.join(args.workdir, "best.pt")
    for epoch in range(args.epochs):
        loss = fit_epoch(model, train_loader, optimizer, device)
        val = score(model, val_loader, device)
        logger.info("epoch %d loss %.4f val %.4f", epoch, loss, val["top1"])
        if val["top1"] > best:
            best = val["top1"]
            torch.save(model.state_dict(), best_path)

    model.load_state_dict(torch.load(best_path, map_location=device))
    results = {"val": score(model, val_loader, device), "test": score(model, test_loader, device)}
    with open(os.path.join(args.workdir, "results.json"), "w") as fh:
        json.dump(results, fh, indent=2)
    logger.info("test top1 %.4f", results["test"]["top1"])


if __name__ == "__main__":
    run()
