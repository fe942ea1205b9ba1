"""Word level vocabulary and token streams."""
from collections import Counter
from pathlib import Path

import torch


class Vocabulary:
    def __init__(self, folder, min_count):
        counts = Counter()
        with open(Path(folder) / "train.txt", encoding="utf8") as fh:
            for line in fh:
                counts.update(line.split())
        self.words = ["<unk>", "<eos>"] + sorted(w for w, c in counts.items() if c >= min_count)
        self.index = {w: i for i, w in enumerate(self.words)}

    def __len__(self):
        return len(self.words)

    def stream(self, path):
        ids = []
        with open(path, encoding="utf8") as fh:
            for line in fh:
                ids += [self.index.get(w, 0) for w in line.split() + ["<eos>"]]
        return torch.tensor(ids)


def columns(stream, width):
    usable = len(stream) // width * width
    return stream[:usable].view(width, -1).t().contiguous()
