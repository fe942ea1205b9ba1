import copy

import torch
from torch import nn


class Trainer:
    """Trains a classifier and keeps the weights that are best on the dev part."""

    def __init__(self, model, loaders, cfg):
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model = model.to(self.device)
        self.loaders = loaders
        self.cfg = cfg
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=cfg["lr"])
        self.best = -1.0
        self.best_state = None

    def step(self, batch):
        ids, labels = (t.to(self.device) for t in batch)
        loss = self.criterion(self.model(ids), labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def fit(self):
        for epoch in range(self.cfg["epochs"]):
            self.model.train()
            for batch in self.loaders["train"]:
                self.step(batch)
            score = self.evaluate(self.loaders["dev"])["acc"]
            if score > self.best:
                self.best = score
                self.best_state = copy.deepcopy(self.model.state_dict())
        self.model.load_state_dict(self.best_state)

    @torch.no_grad()
    def evaluate(self, loader):
        self.model.eval()
        logits, labels = [], []
        for ids, y in loader:
            logits.append(self.model(ids.to(self.device)).cpu())
            labels.append(y)
        logits = torch.cat(logits)
        labels = torch.cat(labels)
        acc = (logits.argmax(-1) == labels).float().mean().item()
        top2 = (logits.topk(2, dim=-1).indices == labels[:, None]).any(-1).float().mean().item()
        return {"acc": acc, "top2": top2, "n": len(labels)}
