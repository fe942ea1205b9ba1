"""TF-IDF features and a linear classifier."""
import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from .corpus import Pair, normalise


class Matcher:
    def __init__(self, seed: int = 0, c: float = 1.0, ngrams: int = 2):
        self.vectors = TfidfVectorizer(ngram_range=(1, ngrams), min_df=2, preprocessor=normalise)
        self.clf = LogisticRegression(C=c, max_iter=500, random_state=seed)
        self.threshold = 0.5

    def _encode(self, pairs: list[Pair]):
        a = self.vectors.transform(p.left for p in pairs)
        b = self.vectors.transform(p.right for p in pairs)
        overlap = np.asarray(a.multiply(b).sum(axis=1))
        length = np.array([[abs(len(p.left) - len(p.right))] for p in pairs]) / 100.0
        return sparse.hstack([abs(a - b), a.multiply(b), overlap, length]).tocsr()

    def fit(self, pairs: list[Pair]) -> "Matcher":
        texts = [p.left for p in pairs] + [p.right for p in pairs]
        self.vectors.fit(texts)
        self.clf.fit(self._encode(pairs), [p.same for p in pairs])
        return self

    def probability(self, pairs: list[Pair]) -> np.ndarray:
        return self.clf.predict_proba(self._encode(pairs))[:, 1]

    def predict(self, pairs: list[Pair]) -> np.ndarray:
        return (self.probability(pairs) >= self.threshold).astype(int)
