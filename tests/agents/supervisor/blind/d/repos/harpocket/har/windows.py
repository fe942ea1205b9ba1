from pathlib import Path

import numpy as np

ACTIVITIES = ["walk", "run", "stairs_up", "stairs_down", "sit", "stand"]


def read(folder, volunteer):
	with np.load(Path(folder) / f"volunteer_{volunteer:02d}.npz") as f:
		return f["acc"].astype(np.float32), f["activity"].astype(np.int64)


def cut(acc, activity, window, stride):
	"""Windows with one activity from end to end; those across a change are ambiguous and the data sheet drops them."""
	xs, ys = [], []
	for a in range(0, len(acc) - window + 1, stride):
		lab = activity[a:a + window]
		if lab[0] >= 0 and (lab == lab[0]).all():
			xs.append(acc[a:a + window])
			ys.append(lab[0])
	return xs, ys


def load(cfg, part):
	xs, ys, who = [], [], []
	for v in cfg[part]:
		x, y = cut(*read(cfg.folder, v), cfg.window, cfg.stride)
		xs += x
		ys += y
		who += [v] * len(y)
	return np.stack(xs).transpose(0, 2, 1), np.array(ys), np.array(who)


class Standardise:
	def fit(self, x):
		self.mean = x.mean(axis=(0, 2), keepdims=True)
		self.std = x.std(axis=(0, 2), keepdims=True) + 1e-6
		return self

	def __call__(self, x):
		return (x - self.mean) / self.std
