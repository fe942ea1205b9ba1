import copy

import numpy as np
import torch

from .skill import mean_nse


def simulate(net, data, scaler):
    net.eval()
    out = {}
    with torch.no_grad():
        for station, (x, y, _) in data.items():
            z = net(torch.from_numpy(x)).numpy()
            out[station] = (y, np.expm1(scaler.flow(z)).clip(min=0))
    return out


def train(net, train_data, val_data, scaler, epochs, lr, batch, seed):
    x = torch.from_numpy(np.concatenate([d[0] for d in train_data.values()]))
    y = np.concatenate([d[1] for d in train_data.values()])
    z = torch.from_numpy((np.log1p(y) - scaler.mean[-1]) / scaler.std[-1]).float()
    gen = torch.Generator().manual_seed(seed)
    opt = torch.optim.Adam(net.parameters(), lr=lr)
    best, state = -np.inf, None
    for epoch in range(epochs):
        net.train()
        for take in torch.randperm(len(x), generator=gen).split(batch):
            loss = ((net(x[take]) - z[take]) ** 2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
        score = mean_nse(simulate(net, val_data, scaler))
        print(f"epoch {epoch:2d} val_nse {score:.4f}")
        if score > best:
            best, state = score, copy.deepcopy(net.state_dict())
    net.load_state_dict(state)
    return best
