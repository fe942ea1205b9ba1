import argparse
import random

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, get_linear_schedule_with_warmup

from prompts import prompt, read_jsonl, target

BASE = "models/base-0.5b"


def encode(tok, row, max_len):
    p = tok(prompt(row), add_special_tokens=False)["input_ids"]
    t = tok(target(row), add_special_tokens=False)["input_ids"] + [tok.eos_token_id]
    ids = (p + t)[:max_len]
    labels = ([-100] * len(p) + t)[:max_len]
    return ids, labels


def collate(items, pad):
    width = max(len(i) for i, _ in items)
    ids = torch.tensor([i + [pad] * (width - len(i)) for i, _ in items])
    labels = torch.tensor([l + [-100] * (width - len(l)) for _, l in items])
    mask = torch.tensor([[1] * len(i) + [0] * (width - len(i)) for i, _ in items])
    return ids, labels, mask


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--work", default="work")
    ap.add_argument("--lr", type=float, default=1e-4)
    ap.add_argument("--epochs", type=int, default=2)
    ap.add_argument("--batch", type=int, default=8)
    ap.add_argument("--max-len", type=int, default=512)
    a = ap.parse_args()
    random.seed(a.seed)
    torch.manual_seed(a.seed)

    device = "cuda" if torch.cuda.is_available() else "cpu"
    tok = AutoTokenizer.from_pretrained(BASE)
    model = AutoModelForCausalLM.from_pretrained(BASE, torch_dtype=torch.bfloat16)
    model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"]))
    model.to(device).train()

    rows = read_jsonl("problems/train.jsonl")
    data = [encode(tok, r, a.max_len) for r in rows]
    steps = a.epochs * (len(data) // a.batch)
    opt = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=a.lr)
    sched = get_linear_schedule_with_warmup(opt, steps // 20, steps)
    for epoch in range(a.epochs):
        random.shuffle(data)
        for s in range(0, len(data) - a.batch + 1, a.batch):
            ids, labels, mask = collate(data[s : s + a.batch], tok.pad_token_id)
            out = model(input_ids=ids.to(device), attention_mask=mask.to(device), labels=labels.to(device))
            out.loss.backward()
            opt.step()
            sched.step()
            opt.zero_grad()
        print(f"epoch {epoch} loss {out.loss.item():.4f}")
    model.save_pretrained(f"{a.work}/adapter")


if __name__ == "__main__":
    main()
