import torch.nn as nn
import torch.nn.functional as F
from torchvision.models import resnet18


class Encoder(nn.Module):
    def __init__(self, proj=128):
        super().__init__()
        net = resnet18(weights=None)
        net.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        net.maxpool = nn.Identity()
        self.dim = net.fc.in_features
        net.fc = nn.Identity()
        self.net = net
        self.proj = nn.Sequential(nn.Linear(self.dim, 512), nn.ReLU(), nn.Linear(512, proj))

    def features(self, x):
        return self.net(x)

    def forward(self, x):
        return F.normalize(self.proj(self.net(x)), dim=1)
