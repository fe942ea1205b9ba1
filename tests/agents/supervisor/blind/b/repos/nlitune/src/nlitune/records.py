import json

from torch.utils.data import Dataset

TAGS = ["entailment", "neutral", "contradiction"]


def read_jsonl(path):
    with open(path, encoding="utf8") as fh:
        return [json.loads(line) for line in fh if line.strip()]


class PairSet(Dataset):
    def __init__(self, path, tok, max_len):
        self.rows = read_jsonl(path)
        self.tok = tok
        self.max_len = max_len

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        r = self.rows[i]
        enc = self.tok(r["premise"], r["hypothesis"], truncation=True,
                       max_length=self.max_len, padding="max_length", return_tensors="pt")
        item = {k: v[0] for k, v in enc.items()}
        if "tag" in r:
            item["labels"] = TAGS.index(r["tag"])
        return item
