"""Citation graph; transductive: all papers and links visible, labels only of training papers."""
from dataclasses import dataclass

import torch


@dataclass
class Graph:
    x: torch.Tensor
    adj: torch.Tensor
    y: torch.Tensor
    train: torch.Tensor
    val: torch.Tensor
    test: torch.Tensor


def normalised(edge_index, n):
    src, dst = edge_index
    loops = torch.arange(n)
    src, dst = torch.cat([src, dst, loops]), torch.cat([dst, src, loops])
    adj = torch.sparse_coo_tensor(torch.stack([src, dst]), torch.ones(len(src)), (n, n)).coalesce()
    val = torch.ones_like(adj.values())
    deg = torch.zeros(n).index_add_(0, adj.indices()[0], val)
    d = deg.rsqrt()
    w = d[adj.indices()[0]] * val * d[adj.indices()[1]]
    return torch.sparse_coo_tensor(adj.indices(), w, (n, n)).coalesce()


def load(path):
    blob = torch.load(path)
    x = blob["x"].float()
    x = x / x.sum(1, keepdim=True).clamp(min=1)
    adj = normalised(blob["edge_index"], len(x))
    return Graph(x, adj, blob["y"], blob["train_mask"], blob["val_mask"], blob["test_mask"])
