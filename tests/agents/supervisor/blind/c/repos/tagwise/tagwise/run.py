import os
import sys

import torch
import torch.nn.functional as F

from . import config, data, metrics, nets


def fit(cfg, model, rows, dev, vocab):
    t = cfg.trainer
    opt = torch.optim.Adam(model.parameters(), lr=t.lr)
    ckpt = os.path.join(cfg.out_dir, "model.pt")
    best = -1.0
    for epoch in range(t.epochs):
        model.train()
        for x, y in data.batches(rows, vocab, t.batch_size, shuffle=True):
            loss = F.binary_cross_entropy_with_logits(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        f1 = metrics.micro_f1(model, data.batches(dev, vocab, 256), t.threshold)
        if f1 > best:
            best = f1
            torch.save(model.state_dict(), ckpt)
    model.load_state_dict(torch.load(ckpt))
    return best


def final_report(model, rows, vocab, threshold, dev_f1):
    test_f1 = metrics.micro_f1(model, data.batches(rows, vocab, 256), threshold)
    print(f"METRIC dev_micro_f1={dev_f1:.5f}")
    print(f"METRIC test_micro_f1={test_f1:.5f}")


def main(argv):
    cfg = config.load(argv)
    torch.manual_seed(cfg.seed)
    os.makedirs(cfg.out_dir, exist_ok=True)
    train = data.read(f"{cfg.corpus}/train.tsv")
    dev = data.read(f"{cfg.corpus}/dev.tsv")
    vocab = data.Vocab(train, cfg.tokenizer)
    model = nets.BagTagger(len(vocab), len(vocab.tags), cfg.model)
    dev_f1 = fit(cfg, model, train, dev, vocab)
    test = data.read(f"{cfg.corpus}/test.tsv")
    final_report(model, test, vocab, cfg.trainer.threshold, dev_f1)


if __name__ == "__main__":
    main(sys.argv[1:])
