"""Pump vibration telemetry. Training recordings are normal operation only."""
import glob
import os

import numpy as np

HOP, WIN = 64, 256


def frames(sig):
    n = 1 + (len(sig) - WIN) // HOP
    return np.stack([sig[i * HOP: i * HOP + WIN] for i in range(n)])


def log_bands(sig, nb=32):
    spec = np.abs(np.fft.rfft(frames(sig) * np.hanning(WIN), axis=1)) ** 2
    edges = np.linspace(0, spec.shape[1], nb + 1).astype(int)
    bands = np.stack([spec[:, a:b].mean(1) for a, b in zip(edges[:-1], edges[1:])], 1)
    return np.log(bands + 1e-8)


def recordings(part):
    out = {}
    for fn in sorted(glob.glob(f"telemetry/{part}/*.npy")):
        out[os.path.basename(fn)[:-4]] = np.load(fn)
    return out
