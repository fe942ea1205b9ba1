import argparse

import numpy as np
import torch

from slides_ds import image, names
from unet import MiniUnet

ap = argparse.ArgumentParser()
ap.add_argument("--out", required=True)
ap.add_argument("--fold", required=True)
ap.add_argument("--thr", type=float, default=0.5)
a = ap.parse_args()
net = MiniUnet()
net.load_state_dict(torch.load(f"{a.out}/unet.pt"))
net.eval()
for n in names(a.fold):
    with torch.no_grad():
        p = net(image(a.fold, n)[None]).sigmoid()[0, 0]
    np.save(f"{a.out}/{a.fold}_{n}.npy", (p > a.thr).numpy())
