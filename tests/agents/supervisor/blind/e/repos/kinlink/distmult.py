"""DistMult with logistic loss, drawn negatives and Adagrad, in numpy."""
import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-np.clip(x, -30, 30)))


class DistMult:
    def __init__(self, n_entities, n_relations, dim, rng):
        self.E = rng.normal(0, 0.1, (n_entities, dim))
        self.R = rng.normal(0, 0.1, (n_relations, dim))
        self.gE, self.gR = np.full_like(self.E, 1e-8), np.full_like(self.R, 1e-8)

    def score_tails(self, h, r):
        return self.E @ (self.E[h] * self.R[r])

    def step(self, facts, negatives, lr, l2):
        """One batch; negatives [batch, k] are tails."""
        h, r, t = facts.T
        tails = np.concatenate([t[:, None], negatives], axis=1)
        label = np.zeros(tails.shape)
        label[:, 0] = 1.0
        eh, er, et = self.E[h], self.R[r], self.E[tails]
        score = np.einsum("bd,bkd->bk", eh * er, et)
        delta = (sigmoid(score) - label) / len(facts)
        mixed = np.einsum("bk,bkd->bd", delta, et)
        gE, gR = np.zeros_like(self.E), np.zeros_like(self.R)
        np.add.at(gE, h, mixed * er + l2 * eh / len(facts))
        np.add.at(gR, r, mixed * eh + l2 * er / len(facts))
        np.add.at(gE, tails, delta[:, :, None] * (eh * er)[:, None])
        for value, grad, total in ((self.E, gE, self.gE), (self.R, gR, self.gR)):
            total += grad ** 2
            value -= lr * grad / np.sqrt(total)
        p = np.clip(np.where(label == 1, sigmoid(score), 1 - sigmoid(score)), 1e-9, 1)
        return float(-np.log(p).sum(axis=1).mean())
