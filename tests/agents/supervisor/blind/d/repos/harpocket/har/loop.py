import copy

import torch
from torch import nn

from har.evaluate import score


def batches(x, y, size, gen):
	order = torch.randperm(len(x), generator=gen)
	for i in range(0, len(order), size):
		take = order[i:i + size]
		if len(take) > 1:
			yield x[take], y[take]


def fit(net, cfg, train, val, n):
	gen = torch.Generator().manual_seed(cfg.seed)
	x, y = torch.from_numpy(train[0]), torch.from_numpy(train[1])
	opt = torch.optim.AdamW(net.parameters(), lr=cfg.optim.lr, weight_decay=cfg.optim.weight_decay)
	lossf = nn.CrossEntropyLoss()
	best, keep = -1.0, None
	for epoch in range(cfg.epochs):
		net.train()
		for bx, by in batches(x, y, cfg.batch, gen):
			opt.zero_grad()
			lossf(net(bx), by).backward()
			if cfg.optim.clip:
				nn.utils.clip_grad_norm_(net.parameters(), cfg.optim.clip)
			opt.step()
		f1 = score(net, *val, n)
		if f1 > best:
			best, keep = f1, copy.deepcopy(net.state_dict())
	net.load_state_dict(keep)
	return best
