import argparse

import numpy as np

from .coxnet import LinearCox
from .tumour import load, thirds
from .util import concordance, dump, zscore

GRID = (1e-3, 1e-2, 1e-1, 1.0)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--out", default="runs/default")
    a = ap.parse_args()
    np.random.seed(a.seed)
    X, t, e = load()
    tr, va, te = thirds(len(X))
    Xtr, Xva, Xte = zscore(X[tr], X[va], X[te])
    best = None
    for l2 in GRID:
        m = LinearCox(l2=l2).fit(Xtr, t[tr], e[tr])
        c = concordance(t[va], e[va], m.risk(Xva))
        print(f"l2={l2:g} val C={c:.4f}")
        if best is None or c > best[0]:
            best = (c, l2, m)
    c_val, l2, model = best
    c_test = concordance(t[te], e[te], model.risk(Xte))
    dump({"l2": l2, "val": {"cindex": c_val}, "test": {"cindex": c_test}}, a.out)


if __name__ == "__main__":
    main()
