import argparse
from pathlib import Path

import numpy as np
import torch

import settings as S
from common.eer import equal_error_rate
from common.voices import Voices, speaker_batches, trials
from embedder import Classes, Embedder
from verify import score_trials


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--save", type=Path, default=Path("saved"))
    args = ap.parse_args()
    args.save.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    train, dev = Voices(S.VOICES, "train"), Voices(S.VOICES, "dev")
    a, b, same = trials(S.VOICES, "dev")
    model, classes = Embedder(), Classes(len(train.speakers))
    opt = torch.optim.Adam([*model.parameters(), *classes.parameters()], lr=S.LR)
    best = float("inf")
    for epoch in range(S.EPOCHS):
        model.train()
        for x, y in speaker_batches(train, S.SPEAKERS_PER_BATCH, S.CLIPS_PER_SPEAKER, S.FRAMES, rng):
            loss = classes(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        eer = equal_error_rate(score_trials(model, dev, a, b), same)
        print(f"epoch {epoch} dev eer {eer:.2f}")
        if eer < best:
            best = eer
            torch.save(model.state_dict(), args.save / "embedder.pt")


if __name__ == "__main__":
    main()
