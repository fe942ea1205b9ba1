import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn


class DnCnn(nn.Module):
    def __init__(self, depth=8, width=48):
        super().__init__()
        layers = [nn.Conv2d(1, width, 3, padding=1), nn.ReLU()]
        for _ in range(depth):
            layers += [nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
        self.net = nn.Sequential(*layers, nn.Conv2d(width, 1, 3, padding=1))

    def forward(self, noisy):
        return noisy - self.net(noisy)


def load(part, kind):
    paths = sorted(Path("images", part, kind).glob("*.npy"))
    return {p.name: torch.from_numpy(np.load(p)).float()[None, None] / 255 for p in paths}


def crop(clean, noisy, size=64):
    top = torch.randint(0, clean.shape[-2] - size + 1, (1,)).item()
    left = torch.randint(0, clean.shape[-1] - size + 1, (1,)).item()
    window = (..., slice(top, top + size), slice(left, left + size))
    return clean[window], noisy[window]


def fit(net, steps, lr):
    clean, noisy = load("train", "clean"), load("train", "noisy")
    names = list(clean)
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    for step in range(steps):
        net.train()
        picks = torch.randint(0, len(names), (16,)).tolist()
        batch = [crop(clean[names[i]], noisy[names[i]]) for i in picks]
        target, given = torch.cat([c for c, _ in batch]), torch.cat([n for _, n in batch])
        loss = nn.functional.mse_loss(net(given), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 500 == 0:
            print(step, float(loss))


def restore(net, part, out):
    net.eval()
    folder = Path(out) / part
    folder.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        for name, image in load(part, "noisy").items():
            result = (net(image).clamp(0, 1)[0, 0] * 255).round().byte().numpy()
            np.save(folder / name, result)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", required=True)
    parser.add_argument("--steps", type=int, default=20000)
    parser.add_argument("--lr", type=float, default=1e-3)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    net = DnCnn()
    fit(net, args.steps, args.lr)
    for part in ("val", "test"):
        restore(net, part, args.out)


if __name__ == "__main__":
    main()
