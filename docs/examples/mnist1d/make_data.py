"""Write MNIST-1D as the authors define it: their generator, their arguments, their seed.

Needs the package mnist1d, whose import also needs matplotlib and requests; training needs
neither, so the arrays are kept in data/. Nothing is downloaded.
"""

from pathlib import Path

import numpy as np
from mnist1d.data import get_dataset_args, make_dataset

DATA = Path(__file__).parent / "data"


def main():
    dataset = make_dataset(get_dataset_args())
    DATA.mkdir(exist_ok=True)
    for name, key in (("train", ""), ("test", "_test")):
        np.save(DATA / f"{name}_signals.npy", dataset[f"x{key}"].astype("<f4"))
        np.save(DATA / f"{name}_digits.npy", dataset[f"y{key}"].astype("u1"))


if __name__ == "__main__":
    main()
