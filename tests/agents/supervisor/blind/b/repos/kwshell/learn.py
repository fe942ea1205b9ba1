import argparse
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

from front import WORDS, melfeat, read_list


class DsCnn(nn.Module):
    def __init__(self, ch=64, n_out=len(WORDS)):
        super().__init__()
        layers = [nn.Conv2d(1, ch, (10, 4), 2, (4, 1)), nn.BatchNorm2d(ch), nn.ReLU()]
        for _ in range(4):
            layers += [nn.Conv2d(ch, ch, 3, padding=1, groups=ch), nn.Conv2d(ch, ch, 1),
                       nn.BatchNorm2d(ch), nn.ReLU()]
        self.f = nn.Sequential(*layers)
        self.out = nn.Linear(ch, n_out)

    def forward(self, x):
        return self.out(self.f(x).mean((2, 3)))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int)
    ap.add_argument("--list")
    ap.add_argument("--to")
    ap.add_argument("--epochs", type=int, default=30)
    o = ap.parse_args()
    random.seed(o.seed)
    torch.manual_seed(o.seed)
    rows = read_list(o.list)
    feats = torch.stack([melfeat(w) for w, _ in rows])
    labs = torch.tensor([k for _, k in rows])
    net = DsCnn()
    opt = torch.optim.Adam(net.parameters(), 1e-3)
    for ep in range(o.epochs):
        net.train()
        for b in torch.randperm(len(labs)).split(128):
            loss = F.cross_entropy(net(feats[b]), labs[b])
            opt.zero_grad()
            loss.backward()
            opt.step()
        print("epoch", ep, float(loss))
    torch.save(net.state_dict(), o.to)


if __name__ == "__main__":
    main()
