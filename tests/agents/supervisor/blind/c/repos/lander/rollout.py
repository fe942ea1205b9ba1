"""Evaluation: mean undiscounted return on fixed, held-out seeds."""
import numpy as np

from arena import Lander

VAL_SEEDS = range(10_000, 10_030)
TEST_SEEDS = range(20_000, 20_100)


def episode(policy, env):
    obs, done, total = env.reset(), False, 0.0
    while not done:
        obs, r, done = env.step(policy.act(obs))
        total += r
    return total


def mean_return(policy, seeds):
    return float(np.mean([episode(policy, Lander(s)) for s in seeds]))
