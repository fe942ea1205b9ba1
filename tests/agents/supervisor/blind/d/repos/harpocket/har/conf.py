"""A very small Hydra: one YAML per group, dotted overrides on the command line."""
from pathlib import Path

import yaml


class Node(dict):
	__getattr__ = dict.__getitem__

	def put(self, dotted, value):
		node = self
		*path, last = dotted.split(".")
		for part in path:
			node = node[part]
		if last not in node:
			raise KeyError(f"no option {dotted}")
		node[last] = value


def _nodes(x):
	return Node({k: _nodes(v) for k, v in x.items()}) if isinstance(x, dict) else x


def compose(folder, argv):
	folder = Path(folder)
	cfg = yaml.safe_load((folder / "config.yaml").read_text())
	pairs = [a.split("=", 1) for a in argv]
	groups = cfg.pop("defaults")
	for key, value in pairs:
		if key in groups:
			groups[key] = value
	for group, choice in groups.items():
		cfg[group] = yaml.safe_load((folder / group / f"{choice}.yaml").read_text())
	cfg = _nodes(cfg)
	for key, value in pairs:
		if key not in groups:
			cfg.put(key, yaml.safe_load(value))
	return cfg
