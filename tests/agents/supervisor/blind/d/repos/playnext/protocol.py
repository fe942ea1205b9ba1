"""Leave-last-two-out: the last play of a listener is for the test, the one before for validation.

All tracks of the catalogue are ranked, except those that the listener is known to have played.
"""
import numpy as np

K = 20


def leave_last(plays):
    """plays: DataFrame user, track, time -> list of histories, val track, test track per user."""
    plays = plays.sort_values(["user", "time", "track"])
    plays = plays.drop_duplicates(["user", "track"], keep="first")
    history, val, test = {}, {}, {}
    for user, tracks in plays.groupby("user")["track"]:
        seq = tracks.tolist()
        if len(seq) < 4:
            history[user] = seq
            continue
        history[user], val[user], test[user] = seq[:-2], seq[-2], seq[-1]
    return history, val, test


def recall_at_k(score_fn, known, target, k=K):
    """Share of users whose target is among their k best unknown tracks (ties count against us)."""
    hits = 0
    for user, goal in target.items():
        s = np.array(score_fn(user), dtype=float)
        s[known[user]] = -np.inf
        better = np.sum(s >= s[goal]) - 1
        hits += better < k
    return hits / len(target)
