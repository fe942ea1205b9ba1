from pathlib import Path

import numpy as np
import torch
from PIL import Image

ALPHABET = " abcdefghijklmnopqrstuvwxyz.,-"
HEIGHT = 48


def index(part):
    rows = []
    for row in Path(f"lines/{part}.tsv").read_text(encoding="utf8").splitlines():
        name, text = row.split("\t")
        rows.append((name, text))
    return rows


def picture(name):
    image = Image.open(f"lines/png/{name}.png").convert("L")
    image = image.resize((image.width * HEIGHT // image.height, HEIGHT))
    return torch.from_numpy(np.asarray(image, dtype="float32") / 255.0)


def encode(text):
    return torch.tensor([ALPHABET.index(c) + 1 for c in text.lower() if c in ALPHABET])
