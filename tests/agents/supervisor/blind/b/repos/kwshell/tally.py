"""tally.py POSTS LIST NAME: classification error of posteriors against a list."""
import sys

import numpy as np

from front import read_list

z = np.load(sys.argv[1])
best = dict(zip(z["names"].tolist(), z["posts"].argmax(1).tolist()))
ref = read_list(sys.argv[2])
wrong = sum(best.get(w) != k for w, k in ref)
print(f"METRIC {sys.argv[3]}={wrong / len(ref):.5f}")
