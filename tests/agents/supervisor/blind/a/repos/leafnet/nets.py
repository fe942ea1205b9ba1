import torch
from torch import nn


def conv_bn(cin, cout, stride=1):
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, stride, 1, bias=False),
        nn.BatchNorm2d(cout),
        nn.ReLU(inplace=True),
    )


class LeafNet(nn.Module):
    def __init__(self, classes, width=32):
        super().__init__()
        self.stem = conv_bn(3, width, 2)
        self.body = nn.Sequential(
            conv_bn(width, 2 * width, 2),
            conv_bn(2 * width, 2 * width),
            conv_bn(2 * width, 4 * width, 2),
            conv_bn(4 * width, 4 * width),
        )
        self.head = nn.Linear(4 * width, classes)

    def forward(self, x):
        x = self.body(self.stem(x))
        return self.head(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))
