import torch
from torch import nn


class GraphConv(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.lin = nn.Linear(cin, cout)

    def forward(self, x, adj):
        return torch.sparse.mm(adj, self.lin(x))


class GCN(nn.Module):
    def __init__(self, cin, hidden, classes, p=0.5):
        super().__init__()
        self.one = GraphConv(cin, hidden)
        self.two = GraphConv(hidden, classes)
        self.drop = nn.Dropout(p)

    def forward(self, x, adj):
        h = torch.relu(self.one(self.drop(x), adj))
        return self.two(self.drop(h), adj)
