import argparse

import numpy as np

import logs
from learners import Greedy, RewardModel
from ope import effective_size, snips

TEMPERATURES = (0.005, 0.01, 0.02, 0.05, 0.1)


def choose(model, val):
    """Temperature with the highest value on the validation log."""
    scored = [(snips(Greedy(model, t), val), t) for t in TEMPERATURES]
    value, temperature = max(scored)
    return value, Greedy(model, temperature)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--logs", default="logs")
    ap.add_argument("--alpha", type=float, default=10.0)
    ap.add_argument("--seed", type=int, default=0)
    args = ap.parse_args()
    np.random.seed(args.seed)

    train, val, test = (logs.read(args.logs, part) for part in ("train", "val", "test"))
    model = RewardModel(logs.n_actions(args.logs), args.alpha).fit(train)
    value, policy = choose(model, val)

    print(f"effective rounds: val {effective_size(policy, val):.0f}, test {effective_size(policy, test):.0f}")
    print(f"METRIC val_value={value:.5f}")
    print(f"METRIC test_value={snips(policy, test):.5f}")


if __name__ == "__main__":
    main()
