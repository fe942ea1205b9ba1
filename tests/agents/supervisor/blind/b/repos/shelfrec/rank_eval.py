import sys

import numpy as np

from loans import leave_two_out, load_loans

K = 10


def ndcg_at(scores, target, k=K):
    """Single relevant item against the full catalogue; ties count against us."""
    rank = int((scores >= scores[target]).sum()) - 1
    return 1.0 / np.log2(rank + 2) if rank < k else 0.0


def main(run_dir):
    z = np.load(f"{run_dir}/scores.npz")
    row = {int(u): i for i, u in enumerate(z["users"])}
    _, val, test = leave_two_out(load_loans())
    for name, tgt in (("val", val), ("test", test)):
        vals = [ndcg_at(z["scores"][row[u]], b) for u, b in tgt.items()]
        print(f"METRIC ndcg10_{name}={np.mean(vals):.5f}")


if __name__ == "__main__":
    main(sys.argv[1])
