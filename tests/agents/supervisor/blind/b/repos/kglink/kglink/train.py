import argparse
import copy
import json
import os

import torch
import torch.nn.functional as F

from .graph import load_graph
from .ranking import filtered_ranks, summary
from .scorer import ComplEx


def fit(g, opts):
    model = ComplEx(g.n_ent, g.n_rel, opts.dim)
    optim = torch.optim.Adagrad(model.parameters(), lr=opts.lr)
    best, keep = 0.0, None
    for epoch in range(opts.epochs):
        model.train()
        for idx in torch.randperm(len(g.train)).split(opts.batch):
            b = g.train[idx]
            loss = F.cross_entropy(model.all_tails(b[:, 0], b[:, 1]), b[:, 2])
            optim.zero_grad()
            loss.backward()
            optim.step()
        if epoch % 5 == 4:
            mrr = summary(filtered_ranks(model, g.valid, g.known))["mrr"]
            print(f"epoch {epoch} valid mrr {mrr:.4f}")
            if mrr > best:
                best, keep = mrr, copy.deepcopy(model.state_dict())
    model.load_state_dict(keep)
    return model


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--run-dir", required=True)
    ap.add_argument("--dim", type=int, default=200)
    ap.add_argument("--lr", type=float, default=0.1)
    ap.add_argument("--batch", type=int, default=512)
    ap.add_argument("--epochs", type=int, default=50)
    opts = ap.parse_args()
    torch.manual_seed(opts.seed)
    g = load_graph()
    model = fit(g, opts)
    res = {name: summary(filtered_ranks(model, part, g.known))
           for name, part in (("valid", g.valid), ("test", g.test))}
    os.makedirs(opts.run_dir, exist_ok=True)
    with open(os.path.join(opts.run_dir, "final.json"), "w") as fh:
        json.dump(res, fh)


if __name__ == "__main__":
    main()
