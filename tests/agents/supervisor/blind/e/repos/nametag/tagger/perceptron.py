"""Structured perceptron with Viterbi decoding."""
from collections import defaultdict

import numpy as np

from tagger.features import features


class Tagger:
    def __init__(self, kinds):
        self.kinds = list(kinds)
        self.index = {k: i for i, k in enumerate(self.kinds)}
        self.weight = defaultdict(lambda: np.zeros(len(self.kinds)))
        self.move = np.zeros((len(self.kinds), len(self.kinds)))

    def emit(self, sentence):
        return np.array([sum(self.weight[f] for f in features(sentence, i) if f in self.weight)
                         + np.zeros(len(self.kinds)) for i in range(len(sentence))])

    def decode(self, sentence):
        if not sentence:
            return []
        emit = self.emit(sentence)
        score, back = emit[0], []
        for row in emit[1:]:
            total = score[:, None] + self.move
            back.append(total.argmax(axis=0))
            score = total.max(axis=0) + row
        path = [int(score.argmax())]
        for pointers in reversed(back):
            path.append(int(pointers[path[-1]]))
        return [self.kinds[k] for k in reversed(path)]

    def update(self, sentence, gold, guess, rate=1.0):
        for i, (a, b) in enumerate(zip(gold, guess)):
            if a != b:
                for f in features(sentence, i):
                    self.weight[f][self.index[a]] += rate
                    self.weight[f][self.index[b]] -= rate
        for tags, sign in ((gold, rate), (guess, -rate)):
            for a, b in zip(tags, tags[1:]):
                self.move[self.index[a], self.index[b]] += sign
