"""Windows of vibration: normal.npz, val.npz, test.npz hold [n, 1024] per machine."""
import numpy as np


def read(folder, part):
    with np.load(f"{folder}/{part}.npz") as f:
        return {name: f[name].astype(float) for name in f.files}


def describe(windows, bands=16):
    """Energy of frequency bands (log), and four numbers of the time signal."""
    power = np.abs(np.fft.rfft(windows * np.hanning(windows.shape[1]), axis=1)) ** 2
    energy = np.stack([p.sum(axis=1) for p in np.array_split(power, bands, axis=1)], axis=1)
    centred = windows - windows.mean(axis=1, keepdims=True)
    rms = np.sqrt((centred ** 2).mean(axis=1))
    peak = np.abs(centred).max(axis=1)
    kurtosis = (centred ** 4).mean(axis=1) / (rms ** 4 + 1e-12)
    crossings = (np.diff(np.sign(centred), axis=1) != 0).mean(axis=1)
    return np.column_stack([np.log(energy + 1e-9), np.log(rms + 1e-9), peak / (rms + 1e-9), kurtosis, crossings])
