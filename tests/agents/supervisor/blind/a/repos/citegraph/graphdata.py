from types import SimpleNamespace

import numpy as np
import torch


def normalised_adjacency(edges, n):
    src = torch.cat([edges[0], edges[1], torch.arange(n)])
    dst = torch.cat([edges[1], edges[0], torch.arange(n)])
    degree = torch.bincount(dst, minlength=n).float()
    weight = degree[src].rsqrt() * degree[dst].rsqrt()
    return torch.sparse_coo_tensor(torch.stack([dst, src]), weight, (n, n)).coalesce()


def mask(n, rows):
    m = torch.zeros(n, dtype=torch.bool)
    m[torch.as_tensor(rows)] = True
    return m


def load_graph(path):
    raw = np.load(path)
    n = len(raw["labels"])
    x = torch.tensor(raw["features"], dtype=torch.float32)
    x = x / x.sum(1, keepdim=True).clamp(min=1.0)
    return SimpleNamespace(
        x=x,
        y=torch.tensor(raw["labels"]),
        adj=normalised_adjacency(torch.tensor(raw["edges"]), n),
        train_mask=mask(n, raw["train_nodes"]),
        val_mask=mask(n, raw["val_nodes"]),
        test_mask=mask(n, raw["test_nodes"]),
    )
