import argparse
import os
import random

import torch

from acoustic import Acoustic, greedy
from speech_data import Frontend, pad_batch, read_manifest
from wer import corpus_wer


@torch.no_grad()
def transcribe_set(model, frontend, items, batch=16):
    model.eval()
    hyps = []
    for s in range(0, len(items), batch):
        x, lens, _, _ = pad_batch(items[s : s + batch], frontend)
        hyps += greedy(*model(x, lens))
    return corpus_wer([t for _, t in items], hyps)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--audio", default="audio")
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--out", default="out")
    ap.add_argument("--epochs", type=int, default=20)
    ap.add_argument("--lr", type=float, default=5e-4)
    args = ap.parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    os.makedirs(args.out, exist_ok=True)

    train = read_manifest(f"{args.audio}/train.csv")
    dev = read_manifest(f"{args.audio}/dev.csv")
    test = read_manifest(f"{args.audio}/test.csv")
    frontend, model = Frontend(), Acoustic()
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr)
    ctc = torch.nn.CTCLoss(zero_infinity=True)
    best, path = float("inf"), os.path.join(args.out, "am.pt")
    for epoch in range(args.epochs):
        model.train()
        random.shuffle(train)
        for s in range(0, len(train), 16):
            x, lens, ids, id_lens = pad_batch(train[s : s + 16], frontend)
            logp, out_lens = model(x, lens)
            loss = ctc(logp.transpose(0, 1), ids, out_lens, id_lens)
            opt.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            opt.step()
        score = transcribe_set(model, frontend, dev)
        print(f"epoch {epoch} dev wer {score:.4f}")
        if score < best:
            best = score
            torch.save(model.state_dict(), path)
    model.load_state_dict(torch.load(path))
    print(f"METRIC dev_wer={best:.5f}")
    print(f"METRIC test_wer={transcribe_set(model, frontend, test):.5f}")


if __name__ == "__main__":
    main()
