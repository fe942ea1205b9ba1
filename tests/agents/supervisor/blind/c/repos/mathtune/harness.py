"""Greedy decoding and exact match on problems/{val,test}.jsonl."""
import argparse
import json

import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer

from answers import extract, same_answer
from prompts import prompt, read_jsonl
from tune import BASE


@torch.no_grad()
def generate(model, tok, texts, max_new):
    enc = tok(texts, return_tensors="pt", padding=True).to(model.device)
    out = model.generate(**enc, do_sample=False, max_new_tokens=max_new)
    return tok.batch_decode(out[:, enc["input_ids"].shape[1]:], skip_special_tokens=True)


def exact_match(model, tok, rows, batch, max_new, log_path):
    correct = 0
    with open(log_path, "w") as log:
        for s in range(0, len(rows), batch):
            chunk = rows[s : s + batch]
            for row, text in zip(chunk, generate(model, tok, [prompt(r) for r in chunk], max_new)):
                ok = same_answer(extract(text), row["answer"])
                correct += ok
                log.write(json.dumps({"id": row["id"], "text": text, "ok": ok}) + "\n")
    return correct / len(rows)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--model", required=True)
    ap.add_argument("--work", default="work")
    ap.add_argument("--batch", type=int, default=32)
    ap.add_argument("--max-new", type=int, default=256)
    a = ap.parse_args()
    tok = AutoTokenizer.from_pretrained(BASE, padding_side="left")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = AutoPeftModelForCausalLM.from_pretrained(a.model).to(device).eval()
    for part in ("val", "test"):
        rows = read_jsonl(f"problems/{part}.jsonl")
        score = exact_match(model, tok, rows, a.batch, a.max_new, f"{a.work}/{part}_log.jsonl")
        print(f"METRIC {part}_exact={score:.5f}")


if __name__ == "__main__":
    main()
