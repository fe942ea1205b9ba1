import argparse
import os

import torch
import torch.nn.functional as F
import yaml

from data import make_loaders
from evaluate import evaluate
from model import CloudNet


def build_optimizer(net, o):
    return torch.optim.SGD(
        net.parameters(), lr=o["lr"], momentum=o["momentum"], weight_decay=o["weight_decay"]
    )


def train_epoch(net, loader, opt, device):
    net.train()
    total = 0.0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        loss = F.cross_entropy(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(y)
    return total / len(loader.dataset)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--config", default="config.yaml")
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--out", default="out")
    args = ap.parse_args()
    with open(args.config) as f:
        cfg = yaml.safe_load(f)
    torch.manual_seed(args.seed)
    os.makedirs(args.out, exist_ok=True)
    device = "cuda" if torch.cuda.is_available() else "cpu"

    train_dl, val_dl, test_dl = make_loaders(cfg)
    net = CloudNet(width=cfg["model"]["width"], dropout=cfg["model"]["dropout"]).to(device)
    opt = build_optimizer(net, cfg["optim"])
    best, path = -1.0, os.path.join(args.out, "best.pt")
    for epoch in range(cfg["optim"]["epochs"]):
        loss = train_epoch(net, train_dl, opt, device)
        f1 = evaluate(net, val_dl, device)
        print(f"epoch {epoch} loss {loss:.4f} val {f1:.4f}")
        if f1 > best:
            best = f1
            torch.save(net.state_dict(), path)
    net.load_state_dict(torch.load(path, map_location=device))
    print(f"METRIC val_macro_f1={best:.5f}")
    print(f"METRIC test_macro_f1={evaluate(net, test_dl, device):.5f}")


if __name__ == "__main__":
    main()
