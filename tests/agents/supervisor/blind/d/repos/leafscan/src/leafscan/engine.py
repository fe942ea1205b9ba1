import torch

from .metrics import balanced_accuracy, confusion


def train_epoch(model, loader, optimizer, criterion, device):
    model.train()
    total, seen = 0.0, 0
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        loss = criterion(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += float(loss) * len(labels)
        seen += len(labels)
    return total / max(seen, 1)


@torch.no_grad()
def evaluate(model, loader, n_classes, device):
    model.eval()
    matrix = torch.zeros(n_classes, n_classes, dtype=torch.long)
    for images, labels in loader:
        guess = model(images.to(device)).argmax(dim=1).cpu()
        matrix += confusion(guess, labels, n_classes)
    return balanced_accuracy(matrix)
