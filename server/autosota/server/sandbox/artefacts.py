"""What a run left in its folder for results, made harmless before anything else looks at it.

Whoever reads results later (an evaluator, a report, a person in a file manager) must not follow
a link out of them, wait at a pipe, open a device or run something as somebody else; and a run
that writes a hundred thousand files must not fill the disk with them for good. Which run it was
is not known here.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from autosota.server.sandbox import disk

MOST_FILES = 10_000
"""Files that are kept of one run."""

_SHOWN = 3


def tame(out: Path) -> None:
    """Remove special files and links that lead out, and take the setuid and setgid bits away.

    Folders so deep that they cannot be named are removed as a whole.
    """
    real = os.path.realpath(out)
    for entry in _entries(out):
        kind = entry.mode
        if stat.S_ISLNK(kind):
            if not os.path.realpath(entry.path).startswith(real + os.sep):
                os.unlink(entry.path)
        elif not (stat.S_ISDIR(kind) or stat.S_ISREG(kind)):
            os.unlink(entry.path)
        elif kind & (stat.S_ISUID | stat.S_ISGID):
            os.chmod(entry.path, stat.S_IMODE(kind) & 0o777)


def trim(out: Path, most_bytes: int, most_files: int = MOST_FILES) -> list[str]:
    """Remove results above a size, the largest first, and above a number of files.

    Returns:
        What was removed, in a line for each reason.
    """
    files = [e for e in _entries(out) if not stat.S_ISDIR(e.mode)]
    notes = []
    if len(files) > most_files:
        files.sort(key=lambda e: (e.path.count(os.sep), e.path))
        for entry in files[most_files:]:
            os.unlink(entry.path)
        notes.append(
            f"{len(files) - most_files} of {len(files)} result files removed: "
            f"{most_files} are kept of one run"
        )
        files = files[:most_files]
    total = sum(e.bytes for e in files)
    removed = []
    for entry in sorted(files, key=lambda e: (e.bytes, e.path), reverse=True):
        if total <= most_bytes:
            break
        os.unlink(entry.path)
        total -= entry.bytes
        removed.append(os.path.relpath(entry.path, out))
    if removed:
        more = f" and {len(removed) - _SHOWN} more" if len(removed) > _SHOWN else ""
        named = ", ".join(repr(name) for name in removed[:_SHOWN])
        notes.append(f"{named}{more} removed: results above {most_bytes} bytes are not kept")
    return notes


@dataclass(frozen=True, slots=True)
class _Entry:
    path: str
    mode: int
    bytes: int


def _entries(top: Path) -> list[_Entry]:
    """Everything below a folder; no link is followed. What cannot be named is removed."""
    out: list[_Entry] = []
    waiting, opened = [str(top)], set[str]()
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as found:
                listed = [(e.path, e.stat(follow_symlinks=False)) for e in found]
        except FileNotFoundError:
            continue
        except PermissionError:
            if folder not in opened:  # a run may lock itself out of its own folder
                opened.add(folder)
                os.chmod(folder, 0o700)
                waiting.append(folder)
            continue
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            disk.remove(top / Path(folder).relative_to(top).parts[0])
            return _entries(top)
        for path, told in listed:
            if stat.S_ISDIR(told.st_mode):
                waiting.append(path)
            out.append(_Entry(path, told.st_mode, told.st_blocks * 512))
    return out
