import argparse
import copy
import os

import torch

import graphs
from measure import mae
from net import PolymerNet


class Target:
    """kelvin <-> zero mean, unit variance"""

    def __init__(self, polymers):
        y = torch.tensor([p["tg"] for p in polymers], dtype=torch.float32)
        self.mean, self.std = y.mean(), y.std()

    def encode(self, y):
        return (y - self.mean) / self.std

    def decode(self, z):
        return z * self.std + self.mean


@torch.no_grad()
def predict_kelvin(net, target, polymers):
    net.eval()
    actual, guess = [], []
    for b in graphs.batches(polymers, 256):
        actual.append(b.y)
        guess.append(target.decode(net(b)))
    return torch.cat(actual), torch.cat(guess)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--folder", default="polymers")
    ap.add_argument("--run", default="run")
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--epochs", type=int, default=80)
    ap.add_argument("--batch", type=int, default=32)
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--dim", type=int, default=64)
    ap.add_argument("--layers", type=int, default=3)
    o = ap.parse_args()
    torch.manual_seed(o.seed)
    gen = torch.Generator().manual_seed(o.seed)

    parts = graphs.read(o.folder)
    target = Target(parts["train"])
    net = PolymerNet(o.dim, o.layers)
    opt = torch.optim.Adam(net.parameters(), lr=o.lr)

    best, kept = float("inf"), None
    for epoch in range(o.epochs):
        net.train()
        for b in graphs.batches(parts["train"], o.batch, gen):
            loss = torch.nn.functional.mse_loss(net(b), target.encode(b.y))
            opt.zero_grad()
            loss.backward()
            opt.step()
        val = mae(*predict_kelvin(net, target, parts["val"]))
        if val < best:
            best, kept = val, copy.deepcopy(net.state_dict())

    net.load_state_dict(kept)
    test = mae(*predict_kelvin(net, target, parts["test"]))
    os.makedirs(o.run, exist_ok=True)
    torch.save(kept, os.path.join(o.run, "net.pt"))
    print(f"METRIC val_mae={best:.4f}")
    print(f"METRIC test_mae={test:.4f}")


if __name__ == "__main__":
    main()
