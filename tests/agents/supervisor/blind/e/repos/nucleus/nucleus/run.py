import copy
from pathlib import Path

import hydra
import numpy as np
import torch
import torch.nn.functional as F

from nucleus.dice import mean_dice
from nucleus.slides import batches, load
from nucleus.unet import UNet


def criterion(logit, mask):
    return F.binary_cross_entropy_with_logits(logit, mask)


@hydra.main(version_base=None, config_path="../conf", config_name="config")
def main(cfg):
    torch.manual_seed(cfg.seed)
    rng = np.random.default_rng(cfg.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    image, mask = load(cfg.eval.folder, "train")
    held = {part: load(cfg.eval.folder, part) for part in cfg.eval.parts}

    model = UNet(**cfg.net).to(device)
    opt = torch.optim.Adam(model.parameters(), lr=cfg.train.lr)
    best, kept = -1.0, None
    for epoch in range(cfg.train.epochs):
        model.train()
        for x, y in batches(image, mask, cfg.train.batch, cfg.train.crop, rng):
            loss = criterion(model(x.to(device)), y.to(device))
            opt.zero_grad()
            loss.backward()
            opt.step()
        dice = mean_dice(model, *held["val"], cfg.eval, device)
        print(f"epoch {epoch} val dice {dice:.4f}")
        if dice > best:
            best, kept = dice, copy.deepcopy(model.state_dict())

    model.load_state_dict(kept)
    Path(cfg.out).mkdir(parents=True, exist_ok=True)
    torch.save(kept, Path(cfg.out) / "unet.pt")
    for part, (x, y) in held.items():
        print(f"METRIC {part}_dice={mean_dice(model, x, y, cfg.eval, device):.5f}")


if __name__ == "__main__":
    main()
