"""Getting started: a proposed `autosota.toml`, and what this machine can do for campaigns."""
