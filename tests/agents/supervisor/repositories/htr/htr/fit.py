import argparse
import random

import torch
from torch import nn

from .lines import encode, index, picture
from .net import Crnn


def mean_loss(net, rows, criterion):
    net.eval()
    with torch.no_grad():
        losses = []
        for name, text in rows:
            logits = net(picture(name)[None])
            target = encode(text)
            losses.append(criterion(logits.transpose(0, 1), target[None],
                                    [logits.shape[1]], [len(target)]).item())
    return sum(losses) / len(losses)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", required=True)
    parser.add_argument("--epochs", type=int, default=15)
    args = parser.parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    train, val = index("train"), index("val")
    net = Crnn()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-4)
    criterion = nn.CTCLoss(zero_infinity=True)
    best = float("inf")
    for epoch in range(args.epochs):
        net.train()
        random.shuffle(train)
        for name, text in train:
            logits = net(picture(name)[None])
            target = encode(text)
            loss = criterion(logits.transpose(0, 1), target[None], [logits.shape[1]], [len(target)])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        now = mean_loss(net, val, criterion)
        print(f"epoch {epoch} loss {now:.3f}", flush=True)
        if now < best:
            best = now
            torch.save(net.state_dict(), f"{args.out}/net.pt")


if __name__ == "__main__":
    main()
