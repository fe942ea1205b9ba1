import argparse
import glob
import json
import os

import numpy as np


def dice(p, t):
    s = p.sum() + t.sum()
    return 1.0 if s == 0 else 2.0 * np.logical_and(p, t).sum() / s


def fold_dice(pred_dir, truth_dir, part):
    out = []
    for fn in sorted(glob.glob(f"{truth_dir}/{part}/*_msk.npy")):
        n = os.path.basename(fn)[:-8]
        out.append(dice(np.load(f"{pred_dir}/{part}_{n}.npy"), np.load(fn) > 0))
    return float(np.mean(out))


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--pred")
    ap.add_argument("--truth")
    ap.add_argument("--json")
    a = ap.parse_args()
    res = {f"{p}_dice": fold_dice(a.pred, a.truth, p) for p in ("val", "test")}
    with open(a.json, "w") as fh:
        json.dump(res, fh)
