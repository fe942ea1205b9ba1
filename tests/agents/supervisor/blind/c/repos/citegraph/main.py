import argparse
import copy

import torch
import torch.nn.functional as F

from gnn import GCN
from graph_data import load


@torch.no_grad()
def accuracy(model, g, mask):
    model.eval()
    pred = model(g.x, g.adj).argmax(1)
    return (pred[mask] == g.y[mask]).float().mean().item()


def train(model, g, args):
    opt = torch.optim.Adam(model.parameters(), lr=args.lr, weight_decay=args.wd)
    best, state = -1.0, None
    for epoch in range(args.epochs):
        model.train()
        out = model(g.x, g.adj)
        loss = F.cross_entropy(out[g.train], g.y[g.train])
        opt.zero_grad()
        loss.backward()
        opt.step()
        acc = accuracy(model, g, g.val)
        if acc > best:
            best, state = acc, copy.deepcopy(model.state_dict())
    model.load_state_dict(state)
    return best


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--graph", default="graph/papers.pt")
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--hidden", type=int, default=64)
    ap.add_argument("--dropout", type=float, default=0.5)
    ap.add_argument("--lr", type=float, default=0.01)
    ap.add_argument("--wd", type=float, default=5e-4)
    ap.add_argument("--epochs", type=int, default=200)
    args = ap.parse_args()
    torch.manual_seed(args.seed)

    g = load(args.graph)
    model = GCN(g.x.shape[1], args.hidden, int(g.y.max()) + 1, args.dropout)
    best = train(model, g, args)
    print(f"METRIC val_acc={best:.5f}")
    print(f"METRIC test_acc={accuracy(model, g, g.test):.5f}")


if __name__ == "__main__":
    main()
