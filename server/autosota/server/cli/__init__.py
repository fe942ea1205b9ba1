"""The `autosota` command: a face like the others, so it decides nothing."""
