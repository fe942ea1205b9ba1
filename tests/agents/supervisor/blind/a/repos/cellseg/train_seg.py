import argparse
import os

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from segtools.overlap import IGNORE
from segtools.tiles import CLASSES, Tiles
from segtools.unet import UNet


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=11)
    ap.add_argument("--save", default="runs/seg")
    ap.add_argument("--epochs", type=int, default=50)
    opt = ap.parse_args()
    np.random.seed(opt.seed)
    torch.manual_seed(opt.seed)
    os.makedirs(opt.save, exist_ok=True)
    dev = "cuda" if torch.cuda.is_available() else "cpu"
    net = UNet(len(CLASSES)).to(dev)
    loader = DataLoader(Tiles("train", augment=True), 16, shuffle=True, num_workers=6)
    criterion = nn.CrossEntropyLoss(ignore_index=IGNORE)
    sgd = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    for epoch in range(opt.epochs):
        net.train()
        total = 0.0
        for image, mask in loader:
            loss = criterion(net(image.to(dev)), mask.to(dev))
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            total += loss.item()
        print(f"[{epoch + 1}/{opt.epochs}] loss {total / len(loader):.4f}")
    torch.save(net.state_dict(), os.path.join(opt.save, "unet.pt"))


if __name__ == "__main__":
    main()
