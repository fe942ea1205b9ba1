"""Faults of bearings from normal windows only; the alarm level is set on val."""
import argparse
import json
from pathlib import Path

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.preprocessing import StandardScaler

from judge import f1, read_faults
from spectra import describe, read

LEVELS = np.linspace(0.80, 0.999, 40)


class Detector:
    def __init__(self, seed, trees=200):
        self.scaler = StandardScaler()
        self.forest = IsolationForest(n_estimators=trees, random_state=seed)

    def fit(self, normal):
        X = self.scaler.fit_transform(describe(normal))
        self.forest.fit(X)
        self.reference = np.sort(self.anomaly(normal))
        return self

    def anomaly(self, windows):
        return -self.forest.score_samples(self.scaler.transform(describe(windows)))

    def rarity(self, windows):
        """Share of the normal windows that are less anomalous."""
        return np.searchsorted(self.reference, self.anomaly(windows)) / len(self.reference)


def choose_level(faults, rarity):
    scored = [(f1(faults, {m: r >= level for m, r in rarity.items()}), level) for level in LEVELS]
    return max(scored)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("seed", type=int, nargs="?", default=0)
    ap.add_argument("--machines", default="machines")
    ap.add_argument("--out", type=Path, default=Path("out"))
    args = ap.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    detectors = {m: Detector(args.seed).fit(w) for m, w in read(args.machines, "normal").items()}
    rarity = {part: {m: detectors[m].rarity(w) for m, w in read(args.machines, part).items()}
              for part in ("val", "test")}
    best, level = choose_level(read_faults(args.machines, "val"), rarity["val"])
    (args.out / "level.json").write_text(json.dumps({"level": float(level)}))

    test = f1(read_faults(args.machines, "test"), {m: r >= level for m, r in rarity["test"].items()})
    print(f"METRIC val_f1={best:.5f}")
    print(f"METRIC test_f1={test:.5f}")


if __name__ == "__main__":
    main()
