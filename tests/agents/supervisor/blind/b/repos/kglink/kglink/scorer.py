import torch
import torch.nn as nn


class ComplEx(nn.Module):
    def __init__(self, n_ent, n_rel, dim=200):
        super().__init__()
        self.re_e = nn.Embedding(n_ent, dim)
        self.im_e = nn.Embedding(n_ent, dim)
        self.re_r = nn.Embedding(n_rel, dim)
        self.im_r = nn.Embedding(n_rel, dim)
        for p in self.parameters():
            nn.init.normal_(p, std=0.05)

    def all_tails(self, h, r):
        a, b = self.re_e(h), self.im_e(h)
        c, d = self.re_r(r), self.im_r(r)
        return (a * c - b * d) @ self.re_e.weight.t() + (a * d + b * c) @ self.im_e.weight.t()
