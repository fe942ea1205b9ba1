"""A small stand-in for Hydra: conf/base.yaml plus dotted command-line overrides."""
import os

import yaml

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Node(dict):
    __getattr__ = dict.__getitem__


def wrap(x):
    return Node({k: wrap(v) for k, v in x.items()}) if isinstance(x, dict) else x


def load(overrides):
    with open(os.path.join(HERE, "conf", "base.yaml")) as f:
        cfg = yaml.safe_load(f)
    for item in overrides:
        key, value = item.split("=", 1)
        node = cfg
        *parents, leaf = key.split(".")
        for p in parents:
            node = node[p]
        node[leaf] = yaml.safe_load(value)
    return wrap(cfg)
