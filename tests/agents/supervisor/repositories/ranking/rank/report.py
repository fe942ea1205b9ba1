import numpy as np


def hits(scores, frame, k=10):
    top = np.argsort(-scores, axis=1)[:, :k]
    wanted = frame["item"].to_numpy()
    users = frame["user"].to_numpy()
    return np.array([item in top[user] for user, item in zip(users, wanted)])


def recall_at_k(scores, frame, k=10):
    return hits(scores, frame, k).mean()


def ndcg_at_k(scores, frame, k=10):
    order = np.argsort(-scores, axis=1)
    gains = []
    for user, item in zip(frame["user"], frame["item"]):
        rank = int(np.where(order[user] == item)[0][0])
        gains.append(1.0 / np.log2(rank + 2) if rank < k else 0.0)
    return float(np.mean(gains))
