import argparse
import json
import pathlib

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from episodes import ClassBank, draw


def block(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(), nn.MaxPool2d(2))


class Conv4(nn.Module):
    def __init__(self, hid=64):
        super().__init__()
        self.body = nn.Sequential(block(3, hid), block(hid, hid), block(hid, hid), block(hid, hid))

    def forward(self, x):
        return self.body(x).flatten(1)


def proto_logits(net, support, queries):
    way, shot = support.shape[:2]
    z = net(support.flatten(0, 1)).view(way, shot, -1).mean(1)
    q = net(queries)
    return -torch.cdist(q, z) ** 2


@torch.no_grad()
def episode_eval(net, bank, args, device, seed):
    net.eval()
    rng = np.random.default_rng(seed)
    accs = []
    for _ in range(args.n_eval):
        s, q, t = draw(bank, args.way, args.shot, args.query, rng)
        out = proto_logits(net, s.to(device), q.to(device)).argmax(1).cpu()
        accs.append((out == t).float().mean().item())
    accs = np.array(accs)
    return {"mean": float(accs.mean()), "ci95": float(1.96 * accs.std() / np.sqrt(len(accs)))}


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--log", required=True)
    ap.add_argument("--data", default="miniset")
    ap.add_argument("--way", type=int, default=5)
    ap.add_argument("--shot", type=int, default=1)
    ap.add_argument("--query", type=int, default=15)
    ap.add_argument("--n_eval", type=int, default=600)
    ap.add_argument("--train_way", type=int, default=20)
    ap.add_argument("--iters", type=int, default=40000)
    ap.add_argument("--lr", type=float, default=1e-3)
    args = ap.parse_args()
    torch.manual_seed(args.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    base = ClassBank(f"{args.data}/base.npz")
    val = ClassBank(f"{args.data}/val.npz")
    novel = ClassBank(f"{args.data}/novel.npz")
    net = Conv4().to(device)
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    rng = np.random.default_rng(args.seed)
    best, keep = -1.0, None
    for it in range(1, args.iters + 1):
        net.train()
        s, q, t = draw(base, args.train_way, args.shot, args.query, rng)
        loss = F.cross_entropy(proto_logits(net, s.to(device), q.to(device)), t.to(device))
        opt.zero_grad()
        loss.backward()
        opt.step()
        if it % 2000 == 0:
            r = episode_eval(net, val, args, device, seed=11)
            if r["mean"] > best:
                best, val_res = r["mean"], r
                keep = {k: v.clone() for k, v in net.state_dict().items()}
    net.load_state_dict(keep)
    res = {"val": val_res, "novel": episode_eval(net, novel, args, device, seed=12)}
    path = pathlib.Path(args.log)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(res))


if __name__ == "__main__":
    main()
