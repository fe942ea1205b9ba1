import torch
from torch import nn


class Tagger(nn.Module):
    def __init__(self, bands, tags, width=96):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(bands, width, 5, padding=2), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Conv1d(width, width, 5, padding=2), nn.BatchNorm1d(width), nn.ReLU(),
        )
        self.head = nn.Linear(width, tags)

    def forward(self, patch):
        hidden = self.conv(patch.transpose(1, 2))
        return self.head(hidden.mean(-1))
