import argparse
import os

import numpy as np
import torch

from dune_env import DuneEnv
from policy_net import ActorCritic

GAMMA, LAM, CLIP = 0.99, 0.95, 0.2


def collect(env, ac, n):
    O, A, R, D, V, L, rets = [], [], [], [], [], [], []
    obs, ep = env.reset(), 0.0
    for _ in range(n):
        o = torch.from_numpy(obs)
        with torch.no_grad():
            d = ac.dist(o)
            a = d.sample()
            L.append(d.log_prob(a).sum())
            V.append(ac.v(o)[0])
        O.append(o)
        A.append(a)
        obs, r, done = env.step(a.numpy())
        ep += r
        R.append(r)
        D.append(done)
        if done:
            rets.append(ep)
            obs, ep = env.reset(), 0.0
    return torch.stack(O), torch.stack(A), R, D, torch.stack(V), torch.stack(L), rets


def gae(R, D, V):
    adv, last = torch.zeros(len(R)), 0.0
    for t in reversed(range(len(R))):
        nxt = 0.0 if D[t] or t + 1 == len(R) else V[t + 1]
        delta = R[t] + GAMMA * nxt - V[t]
        last = delta + (0.0 if D[t] else GAMMA * LAM * last)
        adv[t] = last
    return adv, adv + V


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--out", required=True)
    ap.add_argument("--iters", type=int, default=200)
    a = ap.parse_args()
    torch.manual_seed(a.seed)
    env = DuneEnv(seed=a.seed)
    ac = ActorCritic(env.n_obs, env.n_act)
    opt = torch.optim.Adam(ac.parameters(), lr=3e-4)
    for it in range(a.iters):
        O, A, R, D, V, L, rets = collect(env, ac, 2048)
        adv, target = gae(R, D, V)
        adv = (adv - adv.mean()) / (adv.std() + 1e-8)
        for _ in range(10):
            for idx in torch.randperm(len(O)).split(64):
                lp = ac.dist(O[idx]).log_prob(A[idx]).sum(-1)
                ratio = (lp - L[idx]).exp()
                surr = torch.min(ratio * adv[idx], ratio.clamp(1 - CLIP, 1 + CLIP) * adv[idx])
                vloss = (ac.v(O[idx]).squeeze(-1) - target[idx]).pow(2).mean()
                loss = -surr.mean() + 0.5 * vloss
                opt.zero_grad()
                loss.backward()
                opt.step()
        print(f"iter {it} return {np.mean(rets):.2f}")
    print(f"METRIC train_return={np.mean(rets):.3f}")
    os.makedirs(a.out, exist_ok=True)
    torch.save(ac.state_dict(), os.path.join(a.out, "policy.pt"))


if __name__ == "__main__":
    main()
