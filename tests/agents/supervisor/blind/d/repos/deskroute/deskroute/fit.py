import argparse

import numpy as np

from deskroute import tickets
from deskroute.bpe import BPE
from deskroute.model import Softmax, Tfidf
from deskroute.report import emit, macro_f1


def options():
    p = argparse.ArgumentParser()
    p.add_argument("--folder", default="tickets")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--merges", type=int, default=2000)
    p.add_argument("--epochs", type=int, default=30)
    p.add_argument("--lr", type=float, default=2.0)
    p.add_argument("--l2", type=float, default=1e-4)
    return p.parse_args()


def main():
    o = options()
    parts = {p: tickets.read(o.folder, p) for p in ("train", "dev", "test")}
    queues = sorted({t.queue for t in parts["train"]})

    bpe = BPE(o.merges).learn(t.text for t in parts["train"])
    docs = {p: [bpe.encode(t.text) for t in ts] for p, ts in parts.items()}
    tfidf = Tfidf().fit(docs["train"])
    X = {p: tfidf.transform(d) for p, d in docs.items()}
    y = {p: np.array([queues.index(t.queue) for t in ts]) for p, ts in parts.items()}

    model = Softmax(len(queues), l2=o.l2, lr=o.lr, epochs=o.epochs, seed=o.seed)
    model.start(X["train"].shape[1])
    best, kept = -1.0, None
    for e in range(o.epochs):
        model.epoch(X["train"], y["train"], o.lr / (1 + 0.1 * e))
        f1 = macro_f1(y["dev"], model.predict(X["dev"]))
        if f1 > best:
            best, kept = f1, (model.W.copy(), model.b.copy())
    model.W, model.b = kept

    emit("dev_macro_f1", best)
    emit("test_macro_f1", macro_f1(y["test"], model.predict(X["test"])))


if __name__ == "__main__":
    main()
