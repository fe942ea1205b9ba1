"""Folk tunes in ABC notation, read as characters."""
import numpy as np
import torch

import constants as C


class Corpus:
    def __init__(self, path=C.TEXT):
        text = open(path, encoding="utf-8").read()
        tunes = text.split("\n\n")
        a = int(C.SHARES[0] * len(tunes))
        b = a + int(C.SHARES[1] * len(tunes))
        parts = {"train": tunes[:a], "valid": tunes[a:b], "test": tunes[b:]}
        letters = sorted(set("\n\n".join(parts["train"])))
        self.code = {c: i + 1 for i, c in enumerate(letters)}      # 0 is an unseen character
        self.size = len(letters) + 1
        self.parts = {name: self.encode("\n\n".join(p)) for name, p in parts.items()}

    def encode(self, text):
        return torch.tensor([self.code.get(c, 0) for c in text])

    def batch(self, rng, device):
        data = self.parts["train"]
        starts = rng.integers(0, len(data) - C.CONTEXT - 1, C.BATCH)
        x = torch.stack([data[s:s + C.CONTEXT] for s in starts])
        y = torch.stack([data[s + 1:s + C.CONTEXT + 1] for s in starts])
        return x.to(device), y.to(device)


def generator(seed):
    torch.manual_seed(seed)
    return np.random.default_rng(seed)
