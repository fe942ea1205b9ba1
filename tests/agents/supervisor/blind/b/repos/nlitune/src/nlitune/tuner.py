import torch
from torch.utils.data import DataLoader
from transformers import get_linear_schedule_with_warmup


class Tuner:
    def __init__(self, model, cfg, device):
        self.model, self.cfg, self.device = model.to(device), cfg, device

    def _move(self, batch):
        return {k: v.to(self.device) for k, v in batch.items()}

    def fit(self, train_set, valid_set):
        cfg = self.cfg
        loader = DataLoader(train_set, batch_size=cfg["batch"], shuffle=True)
        opt = torch.optim.AdamW(self.model.parameters(), lr=cfg["lr"],
                                weight_decay=cfg["weight_decay"])
        total = len(loader) * cfg["epochs"]
        sched = get_linear_schedule_with_warmup(opt, int(cfg["warmup"] * total), total)
        best, keep = -1.0, None
        for epoch in range(cfg["epochs"]):
            self.model.train()
            for batch in loader:
                out = self.model(**self._move(batch))
                out.loss.backward()
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                opt.step()
                sched.step()
                opt.zero_grad()
            acc = self.valid_accuracy(valid_set)
            if acc > best:
                best = acc
                keep = {k: v.cpu().clone() for k, v in self.model.state_dict().items()}
        self.model.load_state_dict(keep)
        return best

    @torch.no_grad()
    def logits(self, ds):
        self.model.eval()
        chunks = []
        for batch in DataLoader(ds, batch_size=64):
            batch.pop("labels", None)
            chunks.append(self.model(**self._move(batch)).logits.cpu())
        return torch.cat(chunks)

    def valid_accuracy(self, ds):
        gold = torch.tensor([ds[i]["labels"] for i in range(len(ds))])
        return (self.logits(ds).argmax(-1) == gold).float().mean().item()
