"""Bag of word pieces, tf-idf, softmax regression."""
from collections import Counter

import numpy as np


class Tfidf:
    def __init__(self, min_df=2):
        self.min_df = min_df

    def fit(self, docs):
        df = Counter(p for d in docs for p in set(d))
        kept = sorted(p for p, n in df.items() if n >= self.min_df)
        self.index = {p: i for i, p in enumerate(kept)}
        self.idf = np.log((1 + len(docs)) / (1 + np.array([df[p] for p in kept]))) + 1
        return self

    def transform(self, docs):
        X = np.zeros((len(docs), len(self.index)), dtype=np.float32)
        for row, d in enumerate(docs):
            for p, n in Counter(d).items():
                if p in self.index:
                    X[row, self.index[p]] = n
        X *= self.idf
        X /= np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-9)
        return X


class Softmax:
    def __init__(self, n_classes, l2=1e-4, lr=2.0, epochs=30, batch=64, seed=0):
        self.n, self.l2, self.lr = n_classes, l2, lr
        self.epochs, self.batch, self.seed = epochs, batch, seed

    def start(self, n_features):
        self.W = np.zeros((n_features, self.n))
        self.b = np.zeros(self.n)
        self.rng = np.random.default_rng(self.seed)

    def epoch(self, X, y, lr):
        order = self.rng.permutation(len(X))
        for i in range(0, len(X), self.batch):
            take = order[i:i + self.batch]
            P = self.proba(X[take])
            P[np.arange(len(take)), y[take]] -= 1
            P /= len(take)
            self.W -= lr * (X[take].T @ P + self.l2 * self.W)
            self.b -= lr * P.sum(axis=0)

    def proba(self, X):
        Z = X @ self.W + self.b
        Z = np.exp(Z - Z.max(axis=1, keepdims=True))
        return Z / Z.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.proba(X).argmax(axis=1)
