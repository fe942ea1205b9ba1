"""Semi-supervised paper classification on a citation graph (one file)."""
import argparse
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Hyper:
    hidden: int = 64
    drop: float = 0.5
    lr: float = 0.01
    wd: float = 5e-4
    epochs: int = 200


def load(path="cite.npz"):
    z = np.load(path)
    x = torch.from_numpy(z["x"]).float()
    x = x / x.sum(1, keepdim=True).clamp(min=1)
    y = torch.from_numpy(z["y"]).long()
    src, dst = torch.from_numpy(z["edges"]).long()
    masks = {k: torch.from_numpy(z[f"{k}_mask"]) for k in ("train", "val", "test")}
    return x, y, src, dst, masks


def norm_adj(src, dst, n):
    loops = torch.arange(n)
    s = torch.cat([src, dst, loops])
    d = torch.cat([dst, src, loops])
    deg = torch.bincount(d, minlength=n).float()
    w = deg[s].rsqrt() * deg[d].rsqrt()
    return torch.sparse_coo_tensor(torch.stack([d, s]), w, (n, n)).coalesce()


class Gcn(nn.Module):
    def __init__(self, n_in, n_out, hp):
        super().__init__()
        self.w1 = nn.Linear(n_in, hp.hidden)
        self.w2 = nn.Linear(hp.hidden, n_out)
        self.drop = hp.drop

    def forward(self, x, A):
        x = F.dropout(x, self.drop, self.training)
        h = torch.sparse.mm(A, self.w1(x)).relu()
        h = F.dropout(h, self.drop, self.training)
        return torch.sparse.mm(A, self.w2(h))


def accuracy(logits, y, mask):
    return (logits[mask].argmax(1) == y[mask]).float().mean().item()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=0)
    args = ap.parse_args()
    torch.manual_seed(args.seed)
    hp = Hyper()
    x, y, src, dst, masks = load()
    A = norm_adj(src, dst, len(x))
    net = Gcn(x.shape[1], int(y.max()) + 1, hp)
    opt = torch.optim.Adam(net.parameters(), lr=hp.lr, weight_decay=hp.wd)
    best_val, at_best = 0.0, 0.0
    for epoch in range(hp.epochs):
        net.train()
        logits = net(x, A)
        loss = F.cross_entropy(logits[masks["train"]], y[masks["train"]])
        opt.zero_grad()
        loss.backward()
        opt.step()
        net.eval()
        with torch.no_grad():
            logits = net(x, A)
        val = accuracy(logits, y, masks["val"])
        if val > best_val:
            best_val = val
            at_best = accuracy(logits, y, masks["test"])
    print(f"valid={best_val:.4f} test={at_best:.4f}")


if __name__ == "__main__":
    main()
