import argparse
import os

import numpy as np
import torch
import torch.nn.functional as F

from arena import Lander
from policy import Policy, returns_to_go
from rollout import TEST_SEEDS, VAL_SEEDS, mean_return


def collect(policy, env, episodes, gamma):
    obs_all, act_all, ret_all = [], [], []
    for _ in range(episodes):
        obs, done, rewards = env.reset(), False, []
        while not done:
            a = policy.sample(obs)
            obs_all.append(obs)
            act_all.append(a)
            obs, r, done = env.step(a)
            rewards.append(r)
        ret_all.append(returns_to_go(rewards, gamma))
    return (
        torch.as_tensor(np.array(obs_all)),
        torch.as_tensor(act_all),
        torch.as_tensor(np.concatenate(ret_all)),
    )


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--dir", default="runs")
    ap.add_argument("--iters", type=int, default=300)
    ap.add_argument("--episodes", type=int, default=16)
    ap.add_argument("--gamma", type=float, default=0.99)
    ap.add_argument("--lr", type=float, default=1e-3)
    a = ap.parse_args()
    torch.manual_seed(a.seed)
    os.makedirs(a.dir, exist_ok=True)

    env = Lander(a.seed)
    policy = Policy(Lander.n_obs, Lander.n_act)
    opt = torch.optim.Adam(policy.parameters(), lr=a.lr)
    best, ckpt = -np.inf, os.path.join(a.dir, "policy.pt")
    for it in range(a.iters):
        obs, act, ret = collect(policy, env, a.episodes, a.gamma)
        logits, value = policy(obs)
        adv = (ret - value).detach()
        adv = (adv - adv.mean()) / (adv.std() + 1e-6)
        logp = torch.distributions.Categorical(logits=logits).log_prob(act)
        loss = -(logp * adv).mean() + 0.5 * F.mse_loss(value, ret)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if it % 10 == 9:
            score = mean_return(policy, VAL_SEEDS)
            if score > best:
                best = score
                torch.save(policy.state_dict(), ckpt)
    policy.load_state_dict(torch.load(ckpt))
    print(f"METRIC val_return={best:.3f}")
    print(f"METRIC test_return={mean_return(policy, TEST_SEEDS):.3f}")


if __name__ == "__main__":
    main()
