import argparse

from .data import make_split
from .model import build
from .utils import read_config, summary


def run(seed, config):
    cfg = read_config(config)
    (x_train, y_train), (x_val, y_val), (x_test, y_test) = make_split(cfg)
    model = build(cfg, x_train, seed)
    model.fit(x_train, y_train)
    results = {"val": summary(model, x_val, y_val), "test": summary(model, x_test, y_test)}
    for part, scores in results.items():
        for name, value in scores.items():
            print(f"METRIC {part}_{name}={value:.5f}")
    return results


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--config", default="config.yaml")
    args = parser.parse_args()
    run(args.seed, args.config)


if __name__ == "__main__":
    main()
