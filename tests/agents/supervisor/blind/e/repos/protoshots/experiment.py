import argparse
import json

import numpy as np

from shots import adam, net, proto
from shots.episodes import EVAL_SEED, episode, read


def config():
    ap = argparse.ArgumentParser()
    ap.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE")
    cfg = json.load(open("defaults.json"))
    for item in ap.parse_args().set:
        name, value = item.split("=", 1)
        cfg[name] = json.loads(value) if name != "glyphs" else value
    return cfg


def evaluate(classify, data, cfg, episodes):
    """Mean accuracy over episodes that are the same for every run."""
    rng = np.random.default_rng(EVAL_SEED)
    scores = []
    for _ in range(episodes):
        support, query, target = episode(*data, cfg["ways"], cfg["shots"], cfg["queries"], rng)
        scores.append(np.mean(classify(support, query, cfg["ways"]).argmax(axis=1) == target))
    return float(np.mean(scores))


def main():
    cfg = config()
    rng = np.random.default_rng(cfg["seed"])
    train, val, test = (read(cfg["glyphs"], part) for part in ("train", "val", "test"))
    params = net.init([train[0].shape[1], *cfg["hidden"]], rng)
    state = adam.init(params)
    best, kept = -1.0, None
    for step in range(1, cfg["steps"] + 1):
        support, query, target = episode(*train, cfg["ways"], cfg["shots"], cfg["queries"], rng)
        loss, grads = proto.loss_and_grad(params, support, query, target, cfg["ways"])
        params, state = adam.update(params, grads, state, cfg["lr"])
        if step % cfg["check_every"] == 0:
            acc = evaluate(lambda s, q, w: proto.classify(params, s, q, w), val, cfg, cfg["val_episodes"])
            print(f"step {step} loss {loss:.3f} val {acc:.4f}")
            if acc > best:
                best, kept = acc, params
    acc = evaluate(lambda s, q, w: proto.classify(kept, s, q, w), test, cfg, cfg["test_episodes"])
    print(f"METRIC val_acc1={best:.5f}")
    print(f"METRIC test_acc1={acc:.5f}")


if __name__ == "__main__":
    main()
