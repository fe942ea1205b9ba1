import argparse

import numpy as np
import torch

from dune_env import DuneEnv
from policy_net import ActorCritic

EPISODES = 100


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--policy", required=True)
    a = ap.parse_args()
    env = DuneEnv(seed=90210)
    ac = ActorCritic(env.n_obs, env.n_act)
    ac.load_state_dict(torch.load(a.policy))
    totals = []
    for _ in range(EPISODES):
        obs, done, tot = env.reset(), False, 0.0
        while not done:
            with torch.no_grad():
                act = ac.dist(torch.from_numpy(obs)).mean.numpy()
            obs, r, done = env.step(act)
            tot += r
        totals.append(tot)
    print(f"METRIC mean_return={np.mean(totals):.4f}")


if __name__ == "__main__":
    main()
