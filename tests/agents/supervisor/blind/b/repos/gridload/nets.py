import torch.nn as nn


class GruHead(nn.Module):
    def __init__(self, n_in, hidden, horizon, dropout):
        super().__init__()
        self.rnn = nn.GRU(n_in, hidden, batch_first=True)
        self.drop = nn.Dropout(dropout)
        self.lin = nn.Linear(hidden, horizon)

    def forward(self, x):
        h, _ = self.rnn(x)
        return self.lin(self.drop(h[:, -1]))
