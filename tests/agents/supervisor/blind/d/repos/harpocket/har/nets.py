import torch
from torch import nn


class ConvNet(nn.Module):
	def __init__(self, n_in, n_out, channels, kernel, dropout):
		super().__init__()
		layers, c = [], n_in
		for width in channels:
			layers += [nn.Conv1d(c, width, kernel, padding=kernel // 2), nn.BatchNorm1d(width), nn.ReLU(), nn.MaxPool1d(2)]
			c = width
		self.conv = nn.Sequential(*layers)
		self.drop = nn.Dropout(dropout)
		self.out = nn.Linear(2 * c, n_out)

	def forward(self, x):
		h = self.conv(x)
		h = torch.cat([h.mean(-1), h.amax(-1)], dim=1)
		return self.out(self.drop(h))
