from torch import nn

from kws.clips import N_WORDS


class Block(nn.Module):
    """Depthwise separable convolution."""

    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.depth = nn.Conv2d(cin, cin, 3, stride, 1, groups=cin, bias=False)
        self.bn1 = nn.BatchNorm2d(cin)
        self.point = nn.Conv2d(cin, cout, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.act = nn.ReLU()

    def forward(self, x):
        x = self.act(self.bn1(self.depth(x)))
        return self.act(self.bn2(self.point(x)))


class WordNet(nn.Module):
    def __init__(self, width=64, dropout=0.1):
        super().__init__()
        self.stem = nn.Conv2d(1, width, (10, 4), 2, (5, 1), bias=False)
        self.blocks = nn.Sequential(Block(width, width), Block(width, width), Block(width, width))
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(width, N_WORDS)

    def forward(self, x):
        x = self.blocks(self.stem(x))
        return self.head(self.drop(x.mean((2, 3))))
