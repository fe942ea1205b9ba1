import numpy as np
import pandas as pd

MIN_RATING = 4


def load_interactions(path="data/ratings.csv"):
    ratings = pd.read_csv(path)
    return ratings[ratings["rating"] >= MIN_RATING]


def leave_last_out(ratings):
    ratings = ratings.sort_values(["user", "timestamp"])
    last = ratings.groupby("user").tail(1)
    rest = ratings.drop(last.index)
    second = rest.groupby("user").tail(1)
    return rest.drop(second.index), second, last


def matrix(frame, users, items):
    out = np.zeros((users, items), dtype="float32")
    out[frame["user"].to_numpy(), frame["item"].to_numpy()] = 1.0
    return out
