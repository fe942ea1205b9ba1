import torch


class MicroF1:
    def __init__(self):
        self.tp = self.fp = self.fn = 0

    def update(self, pred, gold):
        pred, gold = pred.bool(), gold.bool()
        self.tp += (pred & gold).sum().item()
        self.fp += (pred & ~gold).sum().item()
        self.fn += (~pred & gold).sum().item()

    def value(self):
        return 2 * self.tp / max(2 * self.tp + self.fp + self.fn, 1)


@torch.no_grad()
def micro_f1(model, batch_iter, threshold):
    model.eval()
    m = MicroF1()
    for x, y in batch_iter:
        m.update(model(x).sigmoid() >= threshold, y)
    return m.value()
