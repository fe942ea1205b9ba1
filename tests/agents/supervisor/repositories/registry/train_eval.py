import torch
from torch import nn
class AverageMeter:
    def __init__(self):
        self.sum = 0.0
        self.count = 0
    def update(self, val, n=1):
        self.sum += val * n
        self.count += n
    @property
    def avg(self):
        return self.sum / self.count

def accuracy(output, target, topk=(1,)):
    maxk = max(topk)
    batch_size = target.size(0)
    _, pred = output.topk(maxk, 1, True, True)
    pred = pred.t()
    correct = pred.eq(target.view(1, -1).expand_as(pred))
    res = []
    for k in topk:
        correct_k = correct[:k].reshape(-1).float().sum(0)
        res.append(correct_k.mul_(100.0 / batch_size))
    return res

criterion = nn.CrossEntropyLoss()

def train(model, loader, opt, epoch):
    model.train()
    for x, y in loader:
        x, y = x.cuda(), y.cuda()
        loss = criterion(model(x), y)
        opt.zero_grad(); loss.backward(); opt.step()

def test(model, loader, topk):
    model.eval()
    top1, top5 = AverageMeter(), AverageMeter()
    with torch.no_grad():
        for x, y in loader:
            out = model(x.cuda())
            a1, a5 = accuracy(out, y.cuda(), topk)
            top1.update(a1.item(), x.size(0))
            top5.update(a5.item(), x.size(0))
    return top1.avg, top5.avg
