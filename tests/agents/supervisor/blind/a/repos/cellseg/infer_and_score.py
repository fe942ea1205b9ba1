import argparse
import os

import torch

from segtools.overlap import Confusion
from segtools.tiles import CLASSES, Tiles
from segtools.unet import UNet


@torch.no_grad()
def measure(net, part, dev):
    table = Confusion(len(CLASSES))
    for image, mask in Tiles(part):
        guess = net(image[None].to(dev)).argmax(1)[0].cpu().numpy()
        table.add(mask.numpy(), guess)
    for name, value in zip(CLASSES, table.iou()):
        print(f"  {part} {name}: {value:.4f}")
    return table.mean_iou()


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--save", default="runs/seg")
    opt = ap.parse_args()
    dev = "cuda" if torch.cuda.is_available() else "cpu"
    net = UNet(len(CLASSES)).to(dev).eval()
    net.load_state_dict(torch.load(os.path.join(opt.save, "unet.pt"), map_location=dev))
    print(f"METRIC val_miou={measure(net, 'val', dev):.5f}")
    print(f"METRIC test_miou={measure(net, 'test', dev):.5f}")
