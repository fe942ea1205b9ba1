"""Multi-label tagging of forum posts: corpus/{train,dev,test}.tsv with text<TAB>tag,tag,..."""
import collections
import re

import torch

PAD, UNK = 0, 1
TOKEN = re.compile(r"[a-z0-9+#.]+", re.I)


def read(path):
    rows = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            text, tags = line.rstrip("\n").split("\t")
            rows.append((text, tags.split(",")))
    return rows


class Vocab:
    def __init__(self, rows, cfg):
        self.cfg = cfg
        counts = collections.Counter(t for text, _ in rows for t in self.tokens(text))
        kept = [t for t, c in counts.most_common() if c >= cfg.min_count]
        self.index = {t: i + 2 for i, t in enumerate(kept)}
        self.tags = sorted({t for _, tags in rows for t in tags})

    def tokens(self, text):
        if self.cfg.lowercase:
            text = text.lower()
        return TOKEN.findall(text)[: self.cfg.max_len]

    def encode(self, text):
        return [self.index.get(t, UNK) for t in self.tokens(text)] or [UNK]

    def __len__(self):
        return len(self.index) + 2


def batches(rows, vocab, size, shuffle=False):
    order = torch.randperm(len(rows)).tolist() if shuffle else range(len(rows))
    order = list(order)
    tag_id = {t: i for i, t in enumerate(vocab.tags)}
    for s in range(0, len(order), size):
        chunk = [rows[i] for i in order[s : s + size]]
        ids = [vocab.encode(text) for text, _ in chunk]
        width = max(map(len, ids))
        x = torch.tensor([r + [PAD] * (width - len(r)) for r in ids])
        y = torch.zeros(len(chunk), len(tag_id))
        for i, (_, tags) in enumerate(chunk):
            for t in tags:
                if t in tag_id:
                    y[i, tag_id[t]] = 1.0
        yield x, y
