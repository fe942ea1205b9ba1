"""Cosine of whole clips for every trial of a part, and the equal error rate."""
import argparse
from pathlib import Path

import torch

import settings as S
from common.eer import equal_error_rate
from common.voices import Voices, trials
from embedder import Embedder


@torch.no_grad()
def score_trials(model, voices, a, b):
    model.eval()
    e = torch.cat([model(torch.from_numpy(voices.clip(i))[None]) for i in range(len(voices))])
    return (e[a] * e[b]).sum(1).numpy()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--load", type=Path, default=Path("saved"))
    args = ap.parse_args()
    model = Embedder()
    model.load_state_dict(torch.load(args.load / "embedder.pt"))
    for part in ("dev", "test"):
        a, b, same = trials(S.VOICES, part)
        eer = equal_error_rate(score_trials(model, Voices(S.VOICES, part), a, b), same)
        print(f"METRIC {part}_eer={eer:.4f}")


if __name__ == "__main__":
    main()
