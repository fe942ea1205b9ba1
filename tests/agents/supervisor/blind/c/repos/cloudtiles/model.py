import torch.nn as nn
import torch.nn.functional as F


class ConvBlock(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(cout)

    def forward(self, x):
        return F.max_pool2d(F.relu(self.bn(self.conv(x))), 2)


class CloudNet(nn.Module):
    def __init__(self, n_classes=10, width=32, dropout=0.1):
        super().__init__()
        self.blocks = nn.Sequential(
            ConvBlock(4, width),
            ConvBlock(width, 2 * width),
            ConvBlock(2 * width, 4 * width),
        )
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(4 * width, n_classes)

    def forward(self, x):
        x = self.blocks(x).mean(dim=(2, 3))
        return self.fc(self.dropout(x))
