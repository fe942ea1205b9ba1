import torch
import torch.nn as nn


def dbl(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(),
                         nn.Conv2d(o, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU())


class MiniUnet(nn.Module):
    def __init__(self, w=24):
        super().__init__()
        self.d1, self.d2, self.mid = dbl(1, w), dbl(w, 2 * w), dbl(2 * w, 4 * w)
        self.u2, self.u1 = dbl(6 * w, 2 * w), dbl(3 * w, w)
        self.out = nn.Conv2d(w, 1, 1)
        self.down = nn.MaxPool2d(2)
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(self.down(a))
        c = self.mid(self.down(b))
        y = self.u2(torch.cat([self.up(c), b], 1))
        y = self.u1(torch.cat([self.up(y), a], 1))
        return self.out(y)
