import numpy as np
import torch
import torch.nn as nn


class Policy(nn.Module):
    def __init__(self, n_obs, n_act, hidden=64):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(n_obs, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh()
        )
        self.pi = nn.Linear(hidden, n_act)
        self.v = nn.Linear(hidden, 1)

    def forward(self, obs):
        h = self.body(obs)
        return self.pi(h), self.v(h).squeeze(-1)

    @torch.no_grad()
    def act(self, obs):
        logits, _ = self(torch.as_tensor(obs))
        return int(logits.argmax())

    @torch.no_grad()
    def sample(self, obs):
        logits, _ = self(torch.as_tensor(obs))
        return int(torch.distributions.Categorical(logits=logits).sample())


def returns_to_go(rewards, gamma):
    out, run = np.zeros(len(rewards), dtype=np.float32), 0.0
    for t in reversed(range(len(rewards))):
        run = rewards[t] + gamma * run
        out[t] = run
    return out
