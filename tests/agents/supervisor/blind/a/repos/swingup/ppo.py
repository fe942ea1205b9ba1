"""Proximal policy optimisation, single file except for the evaluation."""
import argparse
import json
import os
import random

import numpy as np
import torch
from torch import nn
from torch.distributions import Normal

from rollout import make_env, mean_return


class Policy(nn.Module):
    def __init__(self, obs_dim, act_dim, hidden=64, limit=2.0):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(obs_dim, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.mean = nn.Linear(hidden, act_dim)
        self.log_std = nn.Parameter(torch.zeros(act_dim))
        self.critic = nn.Sequential(nn.Linear(obs_dim, hidden), nn.Tanh(), nn.Linear(hidden, 1))
        self.limit = limit

    def dist(self, obs):
        return Normal(self.limit * torch.tanh(self.mean(self.body(obs))), self.log_std.exp())

    def act(self, obs):
        return self.dist(obs).mean

    def value(self, obs):
        return self.critic(obs).squeeze(-1)


def collect(env, policy, steps, obs):
    store = {k: [] for k in ("obs", "act", "logp", "rew", "val", "end")}
    for _ in range(steps):
        o = torch.as_tensor(obs, dtype=torch.float32)
        with torch.no_grad():
            d = policy.dist(o)
            a = d.sample()
            v = policy.value(o)
        nxt, reward, terminated, truncated, _ = env.step(a.clamp(-policy.limit, policy.limit).numpy())
        for key, item in zip(store, (o, a, d.log_prob(a).sum(), reward / 10.0, v, terminated or truncated)):
            store[key].append(item)
        obs = env.reset()[0] if terminated or truncated else nxt
    return store, obs


def advantages(store, last, gamma=0.95, lam=0.95):
    adv, out = 0.0, []
    for r, v, end in zip(reversed(store["rew"]), reversed(store["val"]), reversed(store["end"])):
        delta = r + gamma * last * (1 - end) - v
        adv = delta + gamma * lam * (1 - end) * adv
        out.append(adv)
        last = v
    return torch.stack(out[::-1])


def improve(policy, opt, store, adv, clip=0.2, passes=10, batch=64):
    obs, act = torch.stack(store["obs"]), torch.stack(store["act"])
    old, ret = torch.stack(store["logp"]), adv + torch.stack(store["val"])
    adv = (adv - adv.mean()) / (adv.std() + 1e-8)
    for _ in range(passes):
        for idx in torch.randperm(len(obs)).split(batch):
            logp = policy.dist(obs[idx]).log_prob(act[idx]).sum(-1)
            ratio = (logp - old[idx]).exp()
            gain = torch.min(ratio * adv[idx], ratio.clamp(1 - clip, 1 + clip) * adv[idx]).mean()
            loss = -gain + 0.5 * (policy.value(obs[idx]) - ret[idx]).pow(2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--run-dir", default="runs/ppo")
    ap.add_argument("--iterations", type=int, default=100)
    ap.add_argument("--steps", type=int, default=2048)
    args = ap.parse_args()
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    os.makedirs(args.run_dir, exist_ok=True)
    env = make_env()
    obs, _ = env.reset(seed=args.seed)
    policy = Policy(env.observation_space.shape[0], env.action_space.shape[0])
    opt = torch.optim.Adam(policy.parameters(), lr=3e-4)
    for it in range(args.iterations):
        store, obs = collect(env, policy, args.steps, obs)
        with torch.no_grad():
            last = policy.value(torch.as_tensor(obs, dtype=torch.float32))
        improve(policy, opt, store, advantages(store, last))
        print(f"iteration {it} reward {np.mean(store['rew']):.3f}")
    mean, std = mean_return(policy)
    with open(os.path.join(args.run_dir, "eval.json"), "w") as fh:
        json.dump({"mean_return": mean, "std_return": std}, fh)


if __name__ == "__main__":
    main()
