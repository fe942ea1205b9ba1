"""Stained tissue: image [n, 3, 96, 96] in 0..1 and mask [n, 96, 96] of cell nuclei, by patient."""
from pathlib import Path

import numpy as np
import torch


def load(folder, part):
    with np.load(Path(folder) / f"{part}.npz") as f:
        image = torch.from_numpy(f["image"].astype(np.float32))
        mask = torch.from_numpy(f["mask"].astype(np.float32))
    return image, mask


def batches(image, mask, size, crop, rng):
    """Random crops with flips, one pass over the images."""
    order = rng.permutation(len(image))
    for s in range(0, len(order) - size + 1, size):
        xs, ys = [], []
        for i in order[s:s + size]:
            r, c = rng.integers(0, image.shape[-1] - crop + 1, 2)
            x, y = image[i, :, r:r + crop, c:c + crop], mask[i, r:r + crop, c:c + crop]
            if rng.random() < 0.5:
                x, y = x.flip(-1), y.flip(-1)
            xs.append(x)
            ys.append(y)
        yield torch.stack(xs), torch.stack(ys)
