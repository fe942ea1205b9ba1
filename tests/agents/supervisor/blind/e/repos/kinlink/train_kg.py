import argparse
import copy

import numpy as np

import graph_io
from distmult import DistMult
from ranking import hits, mean_reciprocal_rank

parser = argparse.ArgumentParser()
parser.add_argument("--graph", default="graph")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--dim", type=int, default=32)
parser.add_argument("--epochs", type=int, default=40)
parser.add_argument("--batch", type=int, default=128)
parser.add_argument("--negatives", type=int, default=8)
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--l2", type=float, default=1e-3)


def train(model, facts, known, args, rng):
    best, kept = -1.0, None
    for epoch in range(args.epochs):
        order = rng.permutation(len(facts["train"]))
        losses = []
        for s in range(0, len(order), args.batch):
            rows = facts["train"][order[s:s + args.batch]]
            negatives = rng.integers(0, len(model.E), (len(rows), args.negatives))
            losses.append(model.step(rows, negatives, args.lr, args.l2))
        if epoch % 5 == 4 or epoch == args.epochs - 1:
            mrr = mean_reciprocal_rank(model, facts["valid"], known)
            print(f"epoch {epoch} loss {np.mean(losses):.4f} valid {mrr:.4f}")
            if mrr > best:
                best, kept = mrr, copy.deepcopy(model)
    return best, kept


if __name__ == "__main__":
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    facts, n_entities, n_relations = graph_io.read(args.graph)
    known = graph_io.known_tails(facts)
    model = DistMult(n_entities, n_relations, args.dim, rng)
    best, model = train(model, facts, known, args, rng)
    print(f"hits at 10: {hits(model, facts['test'], known):.4f}")
    print(f"METRIC valid_mrr={best:.5f}")
    print(f"METRIC test_mrr={mean_reciprocal_rank(model, facts['test'], known):.5f}")
