from torch import nn

class MLP(nn.Module):
    def __init__(self, dim, hidden, classes):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, classes))

    def forward(self, x):
        return self.net(x)

class Linear(nn.Module):
    def __init__(self, dim, classes):
        super().__init__()
        self.l = nn.Linear(dim, classes)

    def forward(self, x):
        return self.l(x)

MODELS = {"mlp": MLP, "linear": Linear}

def build(cfg):
    if cfg.name == "mlp":
        return MLP(cfg.dim, cfg.hidden, cfg.classes)
    return MODELS[cfg.name](cfg.dim, cfg.classes)
