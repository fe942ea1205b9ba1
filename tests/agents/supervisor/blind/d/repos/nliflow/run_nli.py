#!/usr/bin/env python
"""Train a small premise / hypothesis classifier and report its accuracy."""
import argparse
import random
from pathlib import Path

import numpy as np
import torch

from nli import PairConfig, PairEncoder, Trainer, TrainingArguments, WordTokenizer
from nli.datasets import LABELS, PairDataset, collate, load_pairs


def compute_metrics(p):
    guess = p.predictions.argmax(axis=-1)
    return {"accuracy": float((guess == p.label_ids).mean())}


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data_dir", type=Path, default=Path("pairs"))
    parser.add_argument("--output_dir", default="out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--learning_rate", type=float, default=1e-3)
    parser.add_argument("--hidden_size", type=int, default=96)
    return parser.parse_args()


def main():
    cli = parse_args()
    random.seed(cli.seed)
    np.random.seed(cli.seed)
    torch.manual_seed(cli.seed)

    raw = {s: load_pairs(cli.data_dir / f"{s}.jsonl") for s in ("train", "dev", "test")}
    tokenizer = WordTokenizer().train(t for r in raw["train"] for t in (r["premise"], r["hypothesis"]))
    data = {s: PairDataset(rows, tokenizer) for s, rows in raw.items()}

    model = PairEncoder(PairConfig(len(tokenizer), len(LABELS), cli.hidden_size))
    args = TrainingArguments(
        output_dir=cli.output_dir,
        seed=cli.seed,
        num_train_epochs=cli.epochs,
        learning_rate=cli.learning_rate,
    )
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=data["train"],
        eval_dataset=data["dev"],
        data_collator=collate,
        compute_metrics=compute_metrics,
    )
    trainer.train()

    results = trainer.evaluate()
    _, test = trainer.predict(data["test"])
    results.update(test)
    Path(cli.output_dir).mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), Path(cli.output_dir) / "pytorch_model.bin")
    for name in ("eval_accuracy", "test_accuracy"):
        print(f"METRIC {name}={results[name]:.5f}")


if __name__ == "__main__":
    main()
