import torch.nn as nn
from torchvision.models import resnet18
def resnet(num_classes):
    m = resnet18(num_classes=num_classes)
    m.conv1 = nn.Conv2d(3, 64, 3, padding=1)
    return m
class ViT(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.l = nn.Linear(3072, n)
    def forward(self, x):
        return self.l(x.flatten(1))
def vit(num_classes):
    return ViT(num_classes)
