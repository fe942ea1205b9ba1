import re
from collections import Counter
from typing import Dict, Iterable, List

PAD, UNK, SEP = "<pad>", "<unk>", "<sep>"
_WORD = re.compile(r"[a-z]+|[0-9]+|[^\sa-z0-9]")


class WordTokenizer:
    """Lower-cased words and punctuation; the vocabulary is learnt with `train`."""

    def __init__(self, max_length: int = 64):
        self.max_length = max_length
        self.vocab: Dict[str, int] = {PAD: 0, UNK: 1, SEP: 2}

    def __len__(self) -> int:
        return len(self.vocab)

    @staticmethod
    def split(text: str) -> List[str]:
        return _WORD.findall(text.lower())

    def train(self, texts: Iterable[str], min_count: int = 2) -> "WordTokenizer":
        counts = Counter(w for t in texts for w in self.split(t))
        for word, c in sorted(counts.items(), key=lambda kv: (-kv[1], kv[0])):
            if c >= min_count:
                self.vocab.setdefault(word, len(self.vocab))
        return self

    def encode_pair(self, premise: str, hypothesis: str) -> List[int]:
        unk = self.vocab[UNK]
        half = self.max_length // 2
        a = [self.vocab.get(w, unk) for w in self.split(premise)][:half]
        b = [self.vocab.get(w, unk) for w in self.split(hypothesis)][:half]
        return a + [self.vocab[SEP]] + b
