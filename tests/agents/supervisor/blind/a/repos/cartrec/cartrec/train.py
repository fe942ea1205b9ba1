import argparse
import logging
import pickle
from pathlib import Path

from cartrec.baskets import Baskets
from cartrec.factors import BPR

log = logging.getLogger("cartrec")


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--dir", default="runs/r")
    ap.add_argument("--epochs", type=int, default=20)
    ap.add_argument("--dim", type=int, default=32)
    ns = ap.parse_args()
    logging.basicConfig(level=logging.INFO)
    baskets = Baskets()
    model = BPR(baskets.n_users, baskets.n_items, dim=ns.dim, seed=ns.seed)
    pairs = baskets.pairs()
    for epoch in range(ns.epochs):
        model.epoch(pairs)
        log.info("epoch %d done", epoch)
    target = Path(ns.dir)
    target.mkdir(parents=True, exist_ok=True)
    with open(target / "model.pkl", "wb") as fh:
        pickle.dump(model, fh)


if __name__ == "__main__":
    main()
