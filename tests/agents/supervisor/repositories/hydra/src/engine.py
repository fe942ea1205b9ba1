import torch
import torch.nn.functional as F
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score

def fit(model, train, val, cfg):
    opt = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    for epoch in range(cfg.epochs):
        model.train()
        for x, y in train:
            opt.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            opt.step()

@torch.no_grad()
def evaluate(model, loader, classes=5):
    model.eval()
    acc = MulticlassAccuracy(classes)
    f1 = MulticlassF1Score(classes)
    for x, y in loader:
        logits = model(x)
        acc.update(logits, y)
        f1.update(logits, y)
    return {"acc": acc.compute().item(), "f1": f1.compute().item()}
