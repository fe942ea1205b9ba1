"""Byte-pair encoding, learnt from a word count."""
import re
from collections import Counter

WORD = re.compile(r"\w+|[^\w\s]")


class BPE:
    def __init__(self, merges=2000):
        self.n_merges = merges
        self.merges = {}
        self.cache = {}

    def learn(self, texts):
        words = Counter(w for t in texts for w in WORD.findall(t.lower()))
        splits = {w: tuple(w) + ("</w>",) for w in words}
        for rank in range(self.n_merges):
            pairs = Counter()
            for w, pieces in splits.items():
                for pair in zip(pieces, pieces[1:]):
                    pairs[pair] += words[w]
            if not pairs:
                break
            best, count = max(pairs.items(), key=lambda kv: (kv[1], kv[0]))
            if count < 2:
                break
            self.merges[best] = rank
            splits = {w: self._merge(pieces, best) for w, pieces in splits.items()}
        return self

    @staticmethod
    def _merge(pieces, pair):
        out, i = [], 0
        while i < len(pieces):
            if i + 1 < len(pieces) and (pieces[i], pieces[i + 1]) == pair:
                out.append(pieces[i] + pieces[i + 1])
                i += 2
            else:
                out.append(pieces[i])
                i += 1
        return tuple(out)

    def word(self, w):
        if w not in self.cache:
            pieces = tuple(w) + ("</w>",)
            while len(pieces) > 1:
                known = [(self.merges[p], p) for p in zip(pieces, pieces[1:]) if p in self.merges]
                if not known:
                    break
                pieces = self._merge(pieces, min(known)[1])
            self.cache[w] = pieces
        return self.cache[w]

    def encode(self, text):
        return [p for w in WORD.findall(text.lower()) for p in self.word(w)]
