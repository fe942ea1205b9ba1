"""The workspace of an open file: what `find_root` says, else the folder that the window shows.

A folder without an objective and without git is no workspace of its own for each of its
subfolders when an editor has it open as a whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from autosota.server.check.site import Site, site_of
from autosota.server.workspace.root import has_objective, is_git_top


def site_for(folder: str, shown: Iterable[str]) -> Site:
    """What governs a folder.

    Args:
        folder: Absolute and without links; where it is not there, the nearest that is counts.
        shown: The folders of the window, likewise.
    """
    there = folder
    while not os.path.isdir(there):
        there = os.path.dirname(there)
    site = site_of(there)
    if site.root != there or has_objective(Path(there)) or is_git_top(Path(there)):
        return site
    around = [s for s in shown if folder == s or folder.startswith(s.rstrip(os.sep) + os.sep)]
    return replace(site, root=max(around, key=len)) if around else site
