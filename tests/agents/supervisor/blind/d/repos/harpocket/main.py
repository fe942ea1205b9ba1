import sys
from pathlib import Path

import numpy as np
import torch

from har import conf, windows
from har.evaluate import score
from har.loop import fit
from har.nets import ConvNet


def main(argv):
	cfg = conf.compose(Path(__file__).parent / "conf", argv)
	np.random.seed(cfg.seed)
	torch.manual_seed(cfg.seed)
	n = len(windows.ACTIVITIES)

	parts = {p: windows.load(cfg.data, p) for p in ("train", "val", "test")}
	norm = windows.Standardise().fit(parts["train"][0])
	xy = {p: (norm(x).astype(np.float32), y) for p, (x, y, _) in parts.items()}

	net = ConvNet(xy["train"][0].shape[1], n, **cfg.model)
	val = fit(net, cfg, xy["train"], xy["val"], n)
	test = score(net, *xy["test"], n)

	out = Path(cfg.out)
	out.mkdir(parents=True, exist_ok=True)
	torch.save(net.state_dict(), out / "net.pt")
	print(f"METRIC val_macro_f1={val:.5f}")
	print(f"METRIC test_macro_f1={test:.5f}")


if __name__ == "__main__":
	main(sys.argv[1:])
