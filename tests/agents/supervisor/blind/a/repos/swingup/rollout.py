"""Evaluate a policy on fixed start states of the swing-up task."""
import gymnasium as gym
import numpy as np
import torch

TASK = "Pendulum-v1"
EPISODES = 50
FIRST_SEED = 10_000


def make_env():
    return gym.make(TASK, max_episode_steps=200)


@torch.no_grad()
def mean_return(policy):
    env = make_env()
    totals = []
    for k in range(EPISODES):
        obs, _ = env.reset(seed=FIRST_SEED + k)
        total, over = 0.0, False
        while not over:
            action = policy.act(torch.as_tensor(obs, dtype=torch.float32))
            obs, reward, terminated, truncated, _ = env.step(action.numpy())
            total += float(reward)
            over = terminated or truncated
        totals.append(total)
    return float(np.mean(totals)), float(np.std(totals))
