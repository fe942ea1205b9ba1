import argparse
import os

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

from encoder import Encoder
from views import ssl_set


def nt_xent(za, zb, tau):
    z = torch.cat([za, zb])
    sim = z @ z.t() / tau
    sim.fill_diagonal_(-1e9)
    n = len(za)
    tgt = torch.arange(2 * n, device=z.device).roll(n)
    return F.cross_entropy(sim, tgt)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--dest", required=True)
    ap.add_argument("--root", default="cifar")
    ap.add_argument("--epochs", type=int, default=100)
    ap.add_argument("--tau", type=float, default=0.5)
    ap.add_argument("--lr", type=float, default=1e-3)
    a = ap.parse_args()
    torch.manual_seed(a.seed)
    enc = Encoder().cuda()
    opt = torch.optim.Adam(enc.parameters(), lr=a.lr, weight_decay=1e-6)
    dl = DataLoader(ssl_set(a.root), batch_size=512, shuffle=True, num_workers=8, drop_last=True)
    for ep in range(a.epochs):
        tot = 0.0
        for (va, vb), _ in dl:
            loss = nt_xent(enc(va.cuda()), enc(vb.cuda()), a.tau)
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item()
        print(f"pretrain {ep} {tot / len(dl):.4f}")
    os.makedirs(a.dest, exist_ok=True)
    torch.save(enc.state_dict(), os.path.join(a.dest, "enc.pt"))


if __name__ == "__main__":
    main()
