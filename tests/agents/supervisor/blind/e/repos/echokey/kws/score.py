import torch


@torch.no_grad()
def accuracy(model, loader, device):
    """Share of clips whose highest logit is the spoken word."""
    model.eval()
    right = total = 0
    for x, y in loader:
        guess = model(x.to(device)).argmax(1).cpu()
        right += int((guess == y).sum())
        total += len(y)
    return right / total
