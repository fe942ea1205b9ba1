import argparse
import json
import os

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, set_seed

from .records import TAGS, PairSet
from .tuner import Tuner


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--cfg", required=True)
    ap.add_argument("--seed", type=int, default=13)
    ap.add_argument("--out", required=True)
    ns = ap.parse_args()
    with open(ns.cfg) as fh:
        cfg = json.load(fh)
    set_seed(ns.seed)
    os.makedirs(ns.out, exist_ok=True)

    tok = AutoTokenizer.from_pretrained(cfg["encoder"])
    model = AutoModelForSequenceClassification.from_pretrained(cfg["encoder"], num_labels=len(TAGS))
    sets = {k: PairSet(cfg[f"{k}_file"], tok, cfg["max_len"]) for k in ("train", "valid", "test")}
    tuner = Tuner(model, cfg, "cuda" if torch.cuda.is_available() else "cpu")
    best = tuner.fit(sets["train"], sets["valid"])

    with open(os.path.join(ns.out, "valid.json"), "w") as fh:
        json.dump({"acc": best}, fh)
    picks = tuner.logits(sets["test"]).argmax(-1).tolist()
    with open(os.path.join(ns.out, "answers.jsonl"), "w") as fh:
        for row, k in zip(sets["test"].rows, picks):
            fh.write(json.dumps({"uid": row["uid"], "tag": TAGS[k]}) + "\n")


if __name__ == "__main__":
    main()
