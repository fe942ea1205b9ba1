import torch
import torch.nn as nn


class ActorCritic(nn.Module):
    def __init__(self, n_obs, n_act, hid=64):
        super().__init__()
        self.pi = nn.Sequential(nn.Linear(n_obs, hid), nn.Tanh(), nn.Linear(hid, hid), nn.Tanh(),
                                nn.Linear(hid, n_act))
        self.v = nn.Sequential(nn.Linear(n_obs, hid), nn.Tanh(), nn.Linear(hid, 1))
        self.log_std = nn.Parameter(torch.full((n_act,), -0.5))

    def dist(self, obs):
        return torch.distributions.Normal(self.pi(obs), self.log_std.exp())
