import json
import os
import sys

import numpy as np
import torch
import yaml

from nets import GruHead
from windows import Scaler, cut, read_series, slide


def predict(net, X, bs=512):
    net.eval()
    with torch.no_grad():
        return np.concatenate([net(b).numpy() for b in torch.from_numpy(X).split(bs)])


def errors(pred, true, scaler):
    p, y = scaler.inv_target(pred), scaler.inv_target(true)
    return {"mae": float(np.abs(p - y).mean()), "rmse": float(np.sqrt(((p - y) ** 2).mean()))}


def main(conf, seed, run_dir):
    with open(conf) as fh:
        cfg = yaml.safe_load(fh)
    torch.manual_seed(seed)
    parts = cut(read_series(cfg), cfg)
    scaler = Scaler().fit(parts[0].to_numpy())
    data = [slide(scaler.fwd(p.to_numpy()), cfg["context"], cfg["horizon"]) for p in parts]
    (Xa, Ya), (Xv, Yv), (Xt, Yt) = data
    net = GruHead(Xa.shape[2], cfg["model"]["hidden"], cfg["horizon"], cfg["model"]["dropout"])
    opt = torch.optim.Adam(net.parameters(), lr=cfg["train"]["lr"])
    Xa, Ya = torch.from_numpy(Xa), torch.from_numpy(Ya)
    best, state, bad = np.inf, None, 0
    for ep in range(cfg["train"]["epochs"]):
        net.train()
        for idx in torch.randperm(len(Xa)).split(cfg["train"]["batch"]):
            loss = ((net(Xa[idx]) - Ya[idx]) ** 2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
        v = errors(predict(net, Xv), Yv, scaler)["mae"]
        print(f"epoch {ep} val mae {v:.2f} MW")
        if v < best:
            best, bad = v, 0
            state = {k: t.clone() for k, t in net.state_dict().items()}
        else:
            bad += 1
            if bad >= cfg["train"]["patience"]:
                break
    net.load_state_dict(state)
    scores = {
        "val": errors(predict(net, Xv), Yv, scaler),
        "test": errors(predict(net, Xt), Yt, scaler),
    }
    os.makedirs(run_dir, exist_ok=True)
    with open(os.path.join(run_dir, "scores.json"), "w") as fh:
        json.dump(scores, fh)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
