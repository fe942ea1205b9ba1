"""A small rover crosses dunes to a beacon; numpy only."""
import numpy as np

MAX_STEPS = 300


class DuneEnv:
    n_obs, n_act = 6, 2

    def __init__(self, seed=0, noise=0.05):
        self.rng = np.random.default_rng(seed)
        self.noise = noise

    def reset(self):
        self.pos = self.rng.uniform(-1, 1, 2)
        self.vel = np.zeros(2)
        self.goal = self.rng.uniform(-4, 4, 2)
        self.t = 0
        return self._obs()

    def _obs(self):
        return np.concatenate([self.goal - self.pos, self.vel, self.pos]).astype("f4")

    def _slope(self):
        return 0.3 * np.array([np.cos(2 * self.pos[0]), np.sin(2 * self.pos[1])])

    def step(self, a):
        a = np.clip(a, -1, 1)
        push = a - self._slope() + self.rng.normal(0, self.noise, 2)
        self.vel = 0.9 * self.vel + 0.05 * push
        self.pos = self.pos + self.vel
        self.t += 1
        dist = np.linalg.norm(self.goal - self.pos)
        arrived = dist < 0.15
        reward = -0.1 * dist - 0.01 * float(a @ a) + (10.0 if arrived else 0.0)
        return self._obs(), reward, bool(arrived or self.t >= MAX_STEPS)
