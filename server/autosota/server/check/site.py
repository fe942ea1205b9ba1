"""What governs a folder: the workspace around it, and the `pyproject.toml` with our settings."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from autosota.server.workspace.root import find_root

_TABLE = re.compile(rb"^[ \t]*\[+[ \t]*tool[ \t]*\.[ \t]*autosota[ \t]*\.[ \t]*check\b", re.M)


@dataclass(frozen=True, slots=True)
class Site:
    """One workspace under one set of settings.

    Attributes:
        root: The workspace's folder, absolute and without links.
        settings: The `pyproject.toml` that holds `[tool.autosota.check]`, or None.
    """

    root: str
    settings: str | None = None

    @property
    def settings_folder(self) -> str:
        """The folder that patterns of the settings count from."""
        return os.path.dirname(self.settings) if self.settings else self.root

    def name_of(self, path: str) -> str:
        """A path from the root, with forward slashes."""
        if path.startswith(self.root + os.sep):
            path = path[len(self.root) + 1 :]
        else:
            path = os.path.relpath(path, self.root)
        return path.replace(os.sep, "/")


@lru_cache(maxsize=4096)
def site_of(folder: str) -> Site:
    """The site of a folder, which is absolute and without links."""
    root = str(find_root(Path(folder)))
    here = folder
    while True:
        file = os.path.join(here, "pyproject.toml")
        if has_settings(file):
            return Site(root, file)
        above = os.path.dirname(here)
        if above == here:
            return Site(root)
        here = above


@lru_cache(maxsize=4096)
def has_settings(file: str) -> bool:
    """Whether this file has our table, also when an error elsewhere hides it."""
    try:
        if not os.path.isfile(file):
            return False
        with open(file, "rb") as stream:
            content = stream.read()
    except OSError:
        return False
    if b"autosota" not in content:
        return False
    try:
        tool = tomllib.loads(content.decode("utf-8-sig")).get("tool", {})
    except (ValueError, RecursionError):
        return _TABLE.search(content) is not None
    ours = tool.get("autosota") if isinstance(tool, dict) else None
    return isinstance(ours, dict) and "check" in ours
