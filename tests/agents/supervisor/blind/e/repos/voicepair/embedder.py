import torch
from torch import nn
import torch.nn.functional as F

import settings as S


class Embedder(nn.Module):
    """Time-delay network with mean and deviation pooling; rows of unit length."""

    def __init__(self):
        super().__init__()
        sizes = [(40, 5, 1), (S.WIDTH, 3, 2), (S.WIDTH, 3, 3)]
        self.layers = nn.ModuleList(nn.Conv1d(c, S.WIDTH, k, dilation=d, padding=d * (k // 2)) for c, k, d in sizes)
        self.norms = nn.ModuleList(nn.BatchNorm1d(S.WIDTH) for _ in sizes)
        self.out = nn.Linear(2 * S.WIDTH, S.EMBEDDING)

    def forward(self, x):
        x = x.transpose(1, 2)
        for layer, norm in zip(self.layers, self.norms):
            x = norm(F.relu(layer(x)))
        pooled = torch.cat([x.mean(2), x.var(2, unbiased=False).add(1e-6).sqrt()], 1)
        return F.normalize(self.out(pooled), dim=1)


class Classes(nn.Module):
    """Cosine classifier of the training speakers."""

    def __init__(self, n):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n, S.EMBEDDING) * 0.1)

    def forward(self, e, y):
        return F.cross_entropy(S.SCALE * e @ F.normalize(self.weight, dim=1).T, y)
