"""Train a small network on MNIST-1D and print its accuracies."""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

DATA = Path(__file__).parent / "data"
VALIDATION = 500


class MLP(nn.Module):
    """Three linear layers, the second one with a skip connection."""

    def __init__(self, length=40, hidden=100, classes=10):
        super().__init__()
        self.linear1 = nn.Linear(length, hidden)
        self.linear2 = nn.Linear(hidden, hidden)
        self.linear3 = nn.Linear(hidden, classes)

    def forward(self, x):
        h = F.relu(self.linear1(x))
        h = h + F.relu(self.linear2(h))
        return self.linear3(h)


class CNN(nn.Module):
    """Three strided convolutions of 25 channels, then a linear layer."""

    def __init__(self, channels=25, classes=10):
        super().__init__()
        self.conv1 = nn.Conv1d(1, channels, 5, stride=2, padding=1)
        self.conv2 = nn.Conv1d(channels, channels, 3, stride=2, padding=1)
        self.conv3 = nn.Conv1d(channels, channels, 3, stride=2, padding=1)
        self.linear = nn.Linear(5 * channels, classes)

    def forward(self, x):
        x = x.unsqueeze(1)
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = F.relu(self.conv3(x))
        return self.linear(x.flatten(1))


def load_part(name):
    """The authors' training or test part: signals (n, 40), digits (n,)."""
    signals = torch.from_numpy(np.load(DATA / f"{name}_signals.npy"))
    digits = torch.from_numpy(np.load(DATA / f"{name}_digits.npy")).long()
    return signals, digits


def load_splits():
    """Training, validation and test parts as (signals, digits).

    Validation is the end of the authors' training part; their test part stays as it is.
    """
    signals, digits = load_part("train")
    training = (signals[:-VALIDATION], digits[:-VALIDATION])
    validation = (signals[-VALIDATION:], digits[-VALIDATION:])
    return training, validation, load_part("test")


@torch.no_grad()
def evaluate(model, part):
    """Share of signals whose digit is predicted."""
    signals, digits = part
    model.eval()
    predicted = model(signals).argmax(1)
    return (predicted == digits).float().mean().item()


def train(model, part, steps, batch_size, lr, weight_decay):
    """Minimise the cross entropy with Adam, batch after batch in the order of the data."""
    signals, digits = part
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
    model.train()
    for step in range(steps):
        first = (step * batch_size) % len(signals)
        x, y = signals[first : first + batch_size], digits[first : first + batch_size]
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 1000 == 0:
            print(f"step {step:5d}  loss {loss.item():.4f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=["cnn", "mlp"], default="cnn")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--lr", type=float, default=1e-2)
    parser.add_argument("--weight-decay", type=float, default=0.0)
    args = parser.parse_args()

    torch.set_num_threads(1)  # the network is too small for more
    torch.manual_seed(args.seed)
    training, validation, test = load_splits()
    model = CNN() if args.model == "cnn" else MLP()
    started = time.perf_counter()
    train(model, training, args.steps, args.batch_size, args.lr, args.weight_decay)
    print(f"trained in {time.perf_counter() - started:.1f} s")
    print(f"METRIC params={sum(p.numel() for p in model.parameters())}")
    print(f"METRIC val_accuracy={evaluate(model, validation):.6f}")
    print(f"METRIC test_accuracy={evaluate(model, test):.6f}")


if __name__ == "__main__":
    main()
