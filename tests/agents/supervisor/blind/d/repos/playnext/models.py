import numpy as np


class Popularity:
    def fit(self, history, n_tracks):
        self.score = np.zeros(n_tracks)
        for seq in history.values():
            np.add.at(self.score, seq, 1)
        return self

    def scores(self, seq):
        return self.score


class ItemKNN:
    """Cosine similarity of tracks over listeners, shrunk towards zero for rare pairs."""

    def __init__(self, shrink=10.0, neighbours=100):
        self.shrink, self.neighbours = shrink, neighbours

    def fit(self, history, n_tracks):
        R = np.zeros((len(history), n_tracks), dtype=np.float32)
        for row, seq in enumerate(history.values()):
            R[row, seq] = 1.0
        G = R.T @ R
        pop = np.sqrt(np.diag(G))
        S = G / (pop[:, None] * pop[None, :] + self.shrink)
        np.fill_diagonal(S, 0.0)
        if self.neighbours < n_tracks:
            cut = -np.partition(-S, self.neighbours, axis=1)[:, self.neighbours]
            S[S < cut[:, None]] = 0.0
        self.S = S
        return self

    def scores(self, seq):
        return self.S[seq].sum(axis=0)


class BPR:
    """Matrix factorisation with the pairwise loss; a listener is the mean of the tracks played."""

    def __init__(self, dim=32, epochs=15, lr=0.05, reg=0.002, seed=0):
        self.dim, self.epochs, self.lr, self.reg, self.seed = dim, epochs, lr, reg, seed

    def fit(self, history, n_tracks):
        rng = np.random.default_rng(self.seed)
        self.V = rng.normal(0, 0.1, (n_tracks, self.dim))
        self.W = rng.normal(0, 0.1, (n_tracks, self.dim))
        self.b = np.zeros(n_tracks)
        pairs = [(u, p) for u, seq in history.items() if len(seq) > 1 for p in range(1, len(seq))]
        for _ in range(self.epochs):
            for j in rng.permutation(len(pairs)):
                u, p = pairs[j]
                past, pos = history[u][:p], history[u][p]
                neg = int(rng.integers(n_tracks))
                if neg in past or neg == pos:
                    continue
                h = self.V[past].mean(axis=0)
                x = self.b[pos] - self.b[neg] + h @ (self.W[pos] - self.W[neg])
                g = 1.0 / (1.0 + np.exp(x))
                dh = g * (self.W[pos] - self.W[neg])
                self.W[pos] += self.lr * (g * h - self.reg * self.W[pos])
                self.W[neg] += self.lr * (-g * h - self.reg * self.W[neg])
                self.V[past] += self.lr * (dh / len(past) - self.reg * self.V[past])
                self.b[pos] += self.lr * g
                self.b[neg] -= self.lr * g
        return self

    def scores(self, seq):
        return self.b + self.W @ self.V[seq].mean(axis=0)
