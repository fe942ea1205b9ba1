"""Compares answers.jsonl with the gold file; every gold uid must be answered."""
import json
import os
import sys

from .records import read_jsonl


def grade(run_dir, gold_path):
    gold = {r["uid"]: r["tag"] for r in read_jsonl(gold_path)}
    ans = {r["uid"]: r["tag"] for r in read_jsonl(os.path.join(run_dir, "answers.jsonl"))}
    right = sum(ans.get(uid) == tag for uid, tag in gold.items())
    return {"acc": right / len(gold), "n": len(gold)}


if __name__ == "__main__":
    res = grade(sys.argv[1], sys.argv[2])
    with open(os.path.join(sys.argv[1], "grade.json"), "w") as fh:
        json.dump(res, fh)
    print(res)
