import torch.nn as nn


def stage(cin, cout, stride):
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(cout),
        nn.ReLU(inplace=True),
    )


class LeafNet(nn.Module):
    def __init__(self, n_classes, width=32, p_drop=0.2):
        super().__init__()
        w = width
        self.trunk = nn.Sequential(
            stage(3, w, 2), stage(w, w, 1),
            stage(w, 2 * w, 2), stage(2 * w, 2 * w, 1),
            stage(2 * w, 4 * w, 2), stage(4 * w, 4 * w, 1),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(p_drop)
        self.head = nn.Linear(4 * w, n_classes)

    def forward(self, x):
        z = self.pool(self.trunk(x)).flatten(1)
        return self.head(self.drop(z))
