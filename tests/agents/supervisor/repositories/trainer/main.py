import argparse
import json
import os

import torch
import yaml
from data import build_loaders
from model import TransformerClassifier
from trainer import Trainer


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--config", default="conf/base.yaml")
    parser.add_argument("--out", default="runs/debug")
    return parser.parse_args()


if __name__ == "__main__":
    args = parse_args()
    with open(args.config) as f:
        cfg = yaml.safe_load(f)
    torch.manual_seed(args.seed)
    loaders = build_loaders(cfg["data"])
    model = TransformerClassifier(vocab=cfg["model"]["vocab"], dim=cfg["model"]["dim"])
    trainer = Trainer(model, loaders, cfg["train"])
    trainer.fit()
    results = {
        "dev": trainer.evaluate(loaders["dev"]),
        "test": trainer.evaluate(loaders["test"]),
    }
    os.makedirs(args.out, exist_ok=True)
    with open(os.path.join(args.out, "results.json"), "w") as f:
        json.dump(results, f)
