"""F1 of the faulty windows, micro over machines."""
import numpy as np


def read_faults(folder, part):
    """machine name -> [n] of 0 and 1"""
    with np.load(f"{folder}/{part}_faults.npz") as f:
        return {name: f[name].astype(int) for name in f.files}


def f1(faults, alarms):
    hit = wanted = raised = 0
    for name, truth in faults.items():
        alarm = np.asarray(alarms[name]).astype(int)
        if alarm.shape != truth.shape:
            raise ValueError(f"{name}: {alarm.shape} alarms for {truth.shape} windows")
        hit += int(np.sum(alarm * truth))
        wanted += int(truth.sum())
        raised += int(alarm.sum())
    return 2 * hit / max(wanted + raised, 1)
