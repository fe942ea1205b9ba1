"""Mean PSNR of restored images against the clean ones, 8 bit."""
import sys
from pathlib import Path

import numpy as np


def psnr(clean, restored):
    error = np.mean((clean.astype(float) - restored.astype(float)) ** 2)
    return 10 * np.log10(255.0 ** 2 / max(error, 1e-10))


def main(folder):
    for part, name in (("val", "psnr_val"), ("test", "psnr")):
        values = []
        for path in sorted(Path("images", part, "clean").glob("*.npy")):
            values.append(psnr(np.load(path), np.load(Path(folder) / part / path.name)))
        print(f"METRIC {name}={np.mean(values):.4f}")


if __name__ == "__main__":
    main(sys.argv[1])
