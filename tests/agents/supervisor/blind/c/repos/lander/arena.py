"""A two-dimensional landing task with wind. Observation: x, y, vx, vy, fuel."""
import numpy as np

DT, GRAVITY, LIMIT = 0.05, -1.6, 400


class Lander:
    n_obs, n_act = 5, 4

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def reset(self):
        self.pos = np.array([self.rng.uniform(-1, 1), 1.5])
        self.vel = self.rng.normal(0, 0.2, 2)
        self.wind = self.rng.normal(0, 0.3)
        self.fuel, self.t = 1.0, 0
        return self.obs()

    def obs(self):
        return np.array([*self.pos, *self.vel, self.fuel], dtype=np.float32)

    def step(self, a):
        push = {0: (0, 0), 1: (0, 4.0), 2: (-1.5, 0), 3: (1.5, 0)}[int(a)]
        used = 0.0 if a == 0 or self.fuel <= 0 else 0.004
        force = np.array(push) * (self.fuel > 0)
        self.vel = self.vel + DT * (force + np.array([self.wind, GRAVITY]))
        self.pos = self.pos + DT * self.vel
        self.fuel -= used
        self.t += 1
        reward, done = -0.1 * abs(self.pos[0]) - 10 * used, False
        if self.pos[1] <= 0:
            soft = abs(self.vel[1]) < 0.5 and abs(self.pos[0]) < 0.2
            reward += 100.0 if soft else -100.0
            done = True
        elif abs(self.pos[0]) > 2.5 or self.t >= LIMIT:
            reward -= 100.0
            done = True
        return self.obs(), reward, done
