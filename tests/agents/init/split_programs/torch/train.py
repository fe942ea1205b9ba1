import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


def train_epoch(model, loader, optimizer):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    correct = 0
    for x, y in loader:
        correct += (model(x).argmax(1) == y).sum().item()
    return correct / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=2)
    args = parser.parse_args()
    torch.manual_seed(0)
    augment = transforms.Compose([transforms.RandomRotation(5), transforms.ToTensor()])
    plain = transforms.ToTensor()
    train_set = datasets.MNIST("data", train=True, transform=augment)
    test_set = datasets.MNIST("data", train=False, transform=plain)
    train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=1000)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(args.epochs):
        train_epoch(model, train_loader, optimizer)
        test_acc = evaluate(model, test_loader)
        print(f"epoch {epoch}: {test_acc:.4f}")
    print(f"METRIC test_accuracy={test_acc:.4f}")


if __name__ == "__main__":
    main()
