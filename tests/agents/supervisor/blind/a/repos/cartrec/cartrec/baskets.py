"""Purchases: user, item, timestamp. The last two items of a user are valid and test."""
from collections import defaultdict

import numpy as np
import pandas as pd

SOURCE = "data/purchases.csv"
MIN_ITEMS = 5


class Baskets:
    def __init__(self, source=SOURCE):
        log = pd.read_csv(source).sort_values(["user", "timestamp"])
        log = log[log.groupby("user")["item"].transform("size") >= MIN_ITEMS]
        self.n_users = log["user"].nunique()
        self.n_items = log["item"].nunique()
        users = pd.factorize(log["user"])[0]
        items = pd.factorize(log["item"], sort=True)[0]
        history = defaultdict(list)
        for u, i in zip(users, items):
            history[u].append(int(i))
        self.train = {u: seq[:-2] for u, seq in history.items()}
        self.valid = {u: seq[-2] for u, seq in history.items()}
        self.test = {u: seq[-1] for u, seq in history.items()}

    def pairs(self):
        return np.array([(u, i) for u, seq in self.train.items() for i in seq])

    def seen(self, user, part):
        seq = self.train[user]
        return seq + [self.valid[user]] if part == "test" else seq
