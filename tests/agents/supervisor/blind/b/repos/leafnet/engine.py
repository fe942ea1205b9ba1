import torch
import torch.nn.functional as F


def run_epoch(net, loader, opt, device):
    net.train()
    running = 0.0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        loss = F.cross_entropy(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        running += loss.item() * len(x)
    return running / len(loader.dataset)


@torch.no_grad()
def score_loader(net, loader, device):
    net.eval()
    hit = seen = 0
    for x, y in loader:
        pred = net(x.to(device)).argmax(1).cpu()
        hit += (pred == y).sum().item()
        seen += len(y)
    return hit / seen
