import argparse

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

from slides_ds import Crops, image, mask, names
from unet import MiniUnet


def soft_dice(logit, m):
    p = logit.sigmoid()
    return 1 - (2 * (p * m).sum() + 1) / (p.sum() + m.sum() + 1)


@torch.no_grad()
def quick_loss(net, part):
    net.eval()
    tot = [F.binary_cross_entropy_with_logits(net(image(part, n)[None]), mask(part, n)[None]).item()
           for n in names(part)]
    return sum(tot) / len(tot)


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--out", required=True)
    ap.add_argument("--fold", default="val")
    ap.add_argument("--epochs", type=int, default=30)
    a = ap.parse_args()
    torch.manual_seed(a.seed)
    net = MiniUnet()
    opt = torch.optim.Adam(net.parameters(), 1e-3)
    dl = DataLoader(Crops("train"), batch_size=16, num_workers=4)
    low = float("inf")
    for ep in range(a.epochs):
        net.train()
        for x, m in dl:
            z = net(x)
            loss = F.binary_cross_entropy_with_logits(z, m) + soft_dice(z, m)
            opt.zero_grad()
            loss.backward()
            opt.step()
        cur = quick_loss(net, a.fold)
        print(ep, cur)
        if cur < low:
            low = cur
            torch.save(net.state_dict(), f"{a.out}/unet.pt")
