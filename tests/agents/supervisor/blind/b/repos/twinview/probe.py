"""Linear evaluation of the frozen encoder."""
import argparse
import os

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader

from encoder import Encoder
from views import probe_sets

PROBE_EPOCHS = 50


@torch.no_grad()
def embed(enc, ds):
    enc.eval()
    fs, ys = [], []
    for x, y in DataLoader(ds, batch_size=512, num_workers=8):
        fs.append(enc.features(x.cuda()))
        ys.append(y.cuda())
    return torch.cat(fs), torch.cat(ys)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--src", required=True)
    ap.add_argument("--root", default="cifar")
    a = ap.parse_args()
    torch.manual_seed(0)
    enc = Encoder().cuda()
    enc.load_state_dict(torch.load(os.path.join(a.src, "enc.pt")))
    fit, val, test = probe_sets(a.root)
    fx, fy = embed(enc, fit)
    head = nn.Linear(enc.dim, 10).cuda()
    opt = torch.optim.Adam(head.parameters(), lr=1e-3)
    for _ in range(PROBE_EPOCHS):
        for idx in torch.randperm(len(fx), device=fx.device).split(1024):
            loss = F.cross_entropy(head(fx[idx]), fy[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
    for name, ds in (("probe_val_acc", val), ("probe_acc", test)):
        x, y = embed(enc, ds)
        with torch.no_grad():
            acc = (head(x).argmax(1) == y).float().mean().item()
        print(f"METRIC {name}={acc:.4f}")


if __name__ == "__main__":
    main()
