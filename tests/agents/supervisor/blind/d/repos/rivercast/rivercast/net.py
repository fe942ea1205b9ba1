import torch
from torch import nn


class FlowGRU(nn.Module):
    def __init__(self, n_in: int, hidden: int = 48, dropout: float = 0.1):
        super().__init__()
        self.gru = nn.GRU(n_in, hidden, batch_first=True)
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, _ = self.gru(x)
        return self.out(self.drop(states[:, -1])).squeeze(-1)
