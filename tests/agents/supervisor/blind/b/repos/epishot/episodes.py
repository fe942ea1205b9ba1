"""Episode sampler over class-indexed tensors (npz per split)."""
import numpy as np
import torch


class ClassBank:
    def __init__(self, npz):
        raw = np.load(npz)
        self.by_class = [torch.from_numpy(raw[k]).float() / 255.0 for k in sorted(raw.files)]

    def __len__(self):
        return len(self.by_class)


def draw(bank, way, shot, query, rng):
    cls = rng.choice(len(bank), way, replace=False)
    sup, qry = [], []
    for c in cls:
        pick = rng.permutation(len(bank.by_class[c]))[: shot + query]
        imgs = bank.by_class[c][pick]
        sup.append(imgs[:shot])
        qry.append(imgs[shot:])
    support = torch.stack(sup)
    queries = torch.cat(qry)
    target = torch.arange(way).repeat_interleave(query)
    return support, queries, target
