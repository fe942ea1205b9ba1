import argparse
import os
import random

import numpy as np
import torch

from backbone import LeafNet
from engine import run_epoch, score_loader
from plates_io import loaders


def seed_all(s):
    random.seed(s)
    np.random.seed(s)
    torch.manual_seed(s)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--root", default="plates")
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--workdir", default="out")
    ap.add_argument("--epochs", type=int, default=40)
    ap.add_argument("--lr", type=float, default=0.05)
    ap.add_argument("--bs", type=int, default=64)
    ap.add_argument("--side", type=int, default=128)
    a = ap.parse_args()
    seed_all(a.seed)
    os.makedirs(a.workdir, exist_ok=True)
    dev_name = "cuda" if torch.cuda.is_available() else "cpu"

    fit_dl, dev_dl, final_dl, classes = loaders(a.root, a.side, a.bs)
    net = LeafNet(len(classes)).to(dev_name)
    opt = torch.optim.SGD(net.parameters(), lr=a.lr, momentum=0.9, weight_decay=1e-4)
    ckpt = os.path.join(a.workdir, "best.pt")

    best = -1.0
    for ep in range(a.epochs):
        loss = run_epoch(net, fit_dl, opt, dev_name)
        dev_acc = score_loader(net, dev_dl, dev_name)
        print(f"ep {ep:03d} loss {loss:.4f} dev {dev_acc:.4f}")
        if dev_acc > best:
            best = dev_acc
            torch.save(net.state_dict(), ckpt)

    net.load_state_dict(torch.load(ckpt, map_location=dev_name))
    print(f"METRIC dev_top1={best:.5f}")
    print(f"METRIC final_top1={score_loader(net, final_dl, dev_name):.5f}")


if __name__ == "__main__":
    main()
