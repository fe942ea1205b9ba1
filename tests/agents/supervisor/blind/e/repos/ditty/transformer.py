import torch
from torch import nn
import torch.nn.functional as F

import constants as C


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(C.WIDTH, 3 * C.WIDTH)
        self.out = nn.Linear(C.WIDTH, C.WIDTH)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (z.view(b, t, C.HEADS, d // C.HEADS).transpose(1, 2) for z in self.qkv(x).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(b, t, d))


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.attend = nn.LayerNorm(C.WIDTH), Attention()
        self.norm2 = nn.LayerNorm(C.WIDTH)
        self.mlp = nn.Sequential(nn.Linear(C.WIDTH, 4 * C.WIDTH), nn.GELU(), nn.Linear(4 * C.WIDTH, C.WIDTH))
        self.drop = nn.Dropout(C.DROPOUT)

    def forward(self, x):
        x = x + self.drop(self.attend(self.norm1(x)))
        return x + self.drop(self.mlp(self.norm2(x)))


class Transformer(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.token = nn.Embedding(size, C.WIDTH)
        self.place = nn.Embedding(C.CONTEXT, C.WIDTH)
        self.layers = nn.Sequential(*(Layer() for _ in range(C.LAYERS)))
        self.norm = nn.LayerNorm(C.WIDTH)
        self.head = nn.Linear(C.WIDTH, size)

    def forward(self, x):
        h = self.token(x) + self.place(torch.arange(x.shape[1], device=x.device))
        return self.head(self.norm(self.layers(h)))
