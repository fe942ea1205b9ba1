"""Nash-Sutcliffe efficiency (1 is perfect, 0 is no better than the mean flow)."""
import numpy as np


def nse(observed, simulated):
    observed = np.asarray(observed, dtype=float)
    simulated = np.asarray(simulated, dtype=float)
    if observed.shape != simulated.shape:
        raise ValueError("shapes differ")
    spread = ((observed - observed.mean()) ** 2).sum()
    return float(1.0 - ((observed - simulated) ** 2).sum() / spread)


def mean_nse(by_station):
    """`by_station` maps a station to (observed, simulated)."""
    return float(np.mean([nse(o, s) for o, s in by_station.values()]))
