"""Node classification on a citation network, transductive setting."""
import argparse
import copy
import logging

import torch
import torch.nn.functional as F

from graphdata import load_graph
from convs import GCN

LOG = logging.getLogger("gnn")


def step(model, graph, optimizer):
    model.train()
    optimizer.zero_grad()
    out = model(graph.x, graph.adj)
    loss = F.cross_entropy(out[graph.train_mask], graph.y[graph.train_mask])
    loss.backward()
    optimizer.step()
    return float(loss)


@torch.no_grad()
def accuracies(model, graph):
    model.eval()
    guess = model(graph.x, graph.adj).argmax(-1)
    right = guess == graph.y
    return [float(right[m].float().mean()) for m in (graph.train_mask, graph.val_mask, graph.test_mask)]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--seed", type=int, default=3)
    p.add_argument("--hidden", type=int, default=64)
    p.add_argument("--lr", type=float, default=0.01)
    p.add_argument("--epochs", type=int, default=200)
    a = p.parse_args()
    logging.basicConfig(level=logging.INFO)
    torch.manual_seed(a.seed)

    graph = load_graph("data/citations.npz")
    model = GCN(graph.x.size(1), a.hidden, int(graph.y.max()) + 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=a.lr, weight_decay=5e-4)
    best_val, state = 0.0, None
    for epoch in range(a.epochs):
        loss = step(model, graph, optimizer)
        train_acc, val_acc, _ = accuracies(model, graph)
        if val_acc > best_val:
            best_val, state = val_acc, copy.deepcopy(model.state_dict())
        if epoch % 20 == 0:
            LOG.info("%3d loss %.3f train %.3f val %.3f", epoch, loss, train_acc, val_acc)
    model.load_state_dict(state)
    _, val_acc, test_acc = accuracies(model, graph)
    print(f"final val {val_acc:.4f} test {test_acc:.4f}")


if __name__ == "__main__":
    main()
