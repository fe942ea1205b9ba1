"""Clips as [frames, 40] filterbanks.

voices/{train,dev,test}.npz: frames [total, 40], start [n + 1], speaker [n].
trials_dev.csv and trials_test.csv: a, b, same, where a and b are clip numbers of the part.
"""
import numpy as np
import torch


class Voices:
    def __init__(self, folder, part):
        with np.load(f"{folder}/{part}.npz") as f:
            self.frames, self.start, self.speaker = f["frames"].astype(np.float32), f["start"], f["speaker"]
        self.speakers, self.index = np.unique(self.speaker, return_inverse=True)

    def __len__(self):
        return len(self.speaker)

    def clip(self, i):
        x = self.frames[self.start[i]:self.start[i + 1]]
        return x - x.mean(axis=0)

    def crop(self, i, frames, rng):
        x = self.clip(i)
        if len(x) <= frames:
            x = np.tile(x, (frames // max(len(x), 1) + 1, 1))
        s = rng.integers(0, len(x) - frames + 1)
        return x[s:s + frames]


def speaker_batches(voices, speakers, clips, frames, rng):
    """Batches of the same number of clips from each of some speakers."""
    groups = [np.flatnonzero(voices.index == s) for s in range(len(voices.speakers))]
    order = rng.permutation(len(groups))
    for s in range(0, len(order) - speakers + 1, speakers):
        rows = np.concatenate([rng.choice(groups[g], clips) for g in order[s:s + speakers]])
        x = np.stack([voices.crop(i, frames, rng) for i in rows])
        yield torch.from_numpy(x), torch.from_numpy(voices.index[rows])


def trials(folder, part):
    table = np.genfromtxt(f"{folder}/trials_{part}.csv", delimiter=",", skip_header=1, dtype=int)
    return table[:, 0], table[:, 1], table[:, 2]
