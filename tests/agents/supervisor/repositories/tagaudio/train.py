import pathlib

import click
import numpy as np
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader

from data import Clips
from metrics import mean_average_precision
from model import Tagger


@torch.no_grad()
def score(model, loader):
    model.eval()
    outputs, targets = [], []
    for patch, tags in loader:
        outputs.append(torch.sigmoid(model(patch)).numpy())
        targets.append(tags.numpy())
    return mean_average_precision(np.concatenate(targets), np.concatenate(outputs))


@click.command()
@click.option("--seed", type=int, default=0)
@click.option("--outdir", type=click.Path(), required=True)
@click.option("--epochs", default=40)
@click.option("--lr", default=1e-3)
def main(seed, outdir, epochs, lr):
    torch.manual_seed(seed)
    np.random.seed(seed)
    outdir = pathlib.Path(outdir)
    outdir.mkdir(parents=True, exist_ok=True)
    train = Clips("train", training=True)
    loader = DataLoader(train, batch_size=64, shuffle=True, drop_last=True)
    valid = DataLoader(Clips("valid"), batch_size=128)
    heldout = DataLoader(Clips("eval"), batch_size=128)
    model = Tagger(train.mel.shape[2], train.tags.shape[1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    best = 0.0
    for epoch in range(epochs):
        model.train()
        for patch, tags in loader:
            loss = F.binary_cross_entropy_with_logits(model(patch), tags)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        current = score(model, valid)
        click.echo(f"{epoch}: {current:.4f}")
        if current > best:
            best = current
            torch.save(model.state_dict(), outdir / "best.pth")
    model.load_state_dict(torch.load(outdir / "best.pth"))
    click.echo(f"METRIC valid_map={best:.5f}")
    click.echo(f"METRIC eval_map={score(model, heldout):.5f}")


if __name__ == "__main__":
    main()
