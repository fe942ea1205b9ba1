import torch
from torch import nn

from graphs import ATOMS, BONDS


def scatter_sum(src, index, n):
    out = src.new_zeros(n, src.shape[-1])
    return out.index_add_(0, index, src)


class GINLayer(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.bond = nn.Embedding(len(BONDS), dim)
        self.eps = nn.Parameter(torch.zeros(()))
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.ReLU(), nn.Linear(2 * dim, dim))

    def forward(self, h, edge, kind):
        message = torch.relu(h[edge[0]] + self.bond(kind))
        return self.mlp((1 + self.eps) * h + scatter_sum(message, edge[1], len(h)))


class PolymerNet(nn.Module):
    def __init__(self, dim=64, layers=3):
        super().__init__()
        self.atom = nn.Embedding(len(ATOMS), dim)
        self.layers = nn.ModuleList(GINLayer(dim) for _ in range(layers))
        self.head = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, 1))

    def forward(self, b):
        h = self.atom(b.x)
        for layer in self.layers:
            h = torch.relu(layer(h, b.edge, b.kind))
        count = scatter_sum(torch.ones_like(h[:, :1]), b.graph, b.size)
        pooled = scatter_sum(h, b.graph, b.size) / count
        return self.head(pooled).squeeze(-1)
