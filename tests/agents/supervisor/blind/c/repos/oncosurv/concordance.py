import numpy as np


def cindex(time, event, risk):
    """Harrell's C: pairs where the earlier time is an event; ties in risk count one half."""
    time, event, risk = map(np.asarray, (time, event, risk))
    good = pairs = 0.0
    for i in np.flatnonzero(event == 1):
        later = time > time[i]
        pairs += later.sum()
        good += (risk[i] > risk[later]).sum() + 0.5 * (risk[i] == risk[later]).sum()
    return good / max(pairs, 1.0)
