"""Train a word language model; configuration by Hydra."""
import logging
import math
from pathlib import Path

import hydra
import torch
from torch import nn

from lstm import WordLSTM
from vocab import Vocabulary, columns

log = logging.getLogger(__name__)


def chunks(cols, bptt):
    for start in range(0, len(cols) - 1, bptt):
        stop = min(start + bptt, len(cols) - 1)
        yield cols[start:stop], cols[start + 1:stop + 1]


def detach(state):
    return tuple(s.detach() for s in state)


@torch.no_grad()
def perplexity(model, cols, bptt):
    model.eval()
    total, count, state = 0.0, 0, None
    for x, y in chunks(cols, bptt):
        logits, state = model(x, state)
        total += nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum").item()
        count += y.numel()
    return math.exp(total / count)


def train_epoch(model, cols, bptt, lr, clip):
    model.train()
    state = None
    for x, y in chunks(cols, bptt):
        state = detach(state) if state is not None else None
        model.zero_grad()
        logits, state = model(x, state)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        for p in model.parameters():
            p.data.add_(p.grad, alpha=-lr)


@hydra.main(config_path="conf", config_name="config", version_base=None)
def main(cfg):
    torch.manual_seed(cfg.run.seed)
    folder = Path(hydra.utils.to_absolute_path(cfg.data.folder))
    vocab = Vocabulary(folder, cfg.data.min_count)
    dev = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train = columns(vocab.stream(folder / "train.txt"), cfg.data.batch).to(dev)
    valid = columns(vocab.stream(folder / "valid.txt"), cfg.data.eval_batch).to(dev)
    test = columns(vocab.stream(folder / "test.txt"), cfg.data.eval_batch).to(dev)
    model = WordLSTM(len(vocab), **cfg.model).to(dev)
    out = Path(cfg.run.dir)
    out.mkdir(parents=True, exist_ok=True)
    lr, best = cfg.optim.lr, math.inf
    for epoch in range(cfg.optim.epochs):
        train_epoch(model, train, cfg.data.bptt, lr, cfg.optim.clip)
        ppl = perplexity(model, valid, cfg.data.bptt)
        log.info("epoch %d lr %.3f valid ppl %.2f", epoch, lr, ppl)
        if ppl < best:
            best = ppl
            torch.save(model.state_dict(), out / "lm.pt")
        else:
            lr /= 4
    model.load_state_dict(torch.load(out / "lm.pt"))
    print(f"METRIC valid_ppl={best:.3f}")
    print(f"METRIC test_ppl={perplexity(model, test, cfg.data.bptt):.3f}")


if __name__ == "__main__":
    main()
