"""How much a run has written, and removing it whatever it looks like.

Works on trees that a hostile program made: links are never followed, folders without
permissions and names too long for a path are no surprise. Knows no limits.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

ENTRY_BYTES = 512
"""What every file or folder counts for besides its blocks: inodes run out, too."""


def measure(folders: Iterable[Path]) -> tuple[int, bool]:
    """Bytes on disk below folders, and whether all of it could be looked at.

    Sparse files count for what they take. A tree deeper than a path can name is not
    measurable (False), which no honest experiment makes.
    """
    total, complete = 0, True
    stack = [str(folder) for folder in folders]
    while stack:
        try:
            with os.scandir(stack.pop()) as entries:
                for entry in entries:
                    try:
                        found = entry.stat(follow_symlinks=False)
                    except OSError as error:
                        complete = complete and error.errno != errno.ENAMETOOLONG
                        continue
                    total += found.st_blocks * 512 + ENTRY_BYTES
                    if stat.S_ISDIR(found.st_mode):
                        stack.append(entry.path)
        except OSError as error:
            complete = complete and error.errno != errno.ENAMETOOLONG
    return total, complete


def remove(path: Path) -> None:
    """Remove a file or a whole tree that may resist; nothing there is fine.

    Raises:
        OSError: it is still there afterwards.
    """
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except (OSError, RecursionError):
        if os.path.lexists(path):
            _remove_flat(path)


def _remove_flat(top: Path) -> None:
    """Remove a tree of any depth and any permissions.

    Each folder is moved up beside `top` before it is looked into, so that no path gets long.
    """
    aside = Path(tempfile.mkdtemp(prefix=".removing-", dir=top.parent))
    pending = [aside / "0"]
    os.chmod(top, 0o700)
    os.rename(top, pending[0])
    count = 0
    while pending:
        folder = pending.pop()
        with os.scandir(folder) as entries:
            for entry in list(entries):
                if entry.is_dir(follow_symlinks=False):
                    count += 1
                    os.chmod(entry.path, 0o700)  # a folder is moved by who may write it
                    os.rename(entry.path, aside / str(count))
                    pending.append(aside / str(count))
                else:
                    os.unlink(entry.path)
        os.rmdir(folder)
    os.rmdir(aside)


def write_inside(root: Path, relative: str, content: bytes, mode: int = 0o644) -> Path:
    """Write a file below `root`, replacing whatever is in the way, never through a link."""
    path = clear_place(root, relative)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return path


def clear_place(root: Path, relative: str) -> Path:
    """Make real parent folders for `relative` below `root` and remove what is at its place.

    Raises:
        ValueError: the path leaves `root`.
    """
    parts = Path(relative).parts
    if not parts or Path(relative).is_absolute() or ".." in parts:
        raise ValueError(f"{relative!r} is not a path inside {root}")
    folder = root
    for part in parts[:-1]:
        folder = folder / part
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            folder.unlink()
        folder.mkdir(exist_ok=True)
    place = folder / parts[-1]
    remove(place)
    return place


def read_inside(root: Path, relative: str, most: int) -> bytes:
    """The content of a regular file below `root`, opened without following any link.

    Args:
        root: The folder that may be read.
        relative: The path below it.
        most: The size in bytes above which the file is refused.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: a link, a device or a pipe is in the way, or the file is too large.
    """
    parts = Path(relative).parts
    if not parts or Path(relative).is_absolute() or ".." in parts:
        raise OSError(errno.EINVAL, "not a path inside the run directory", relative)
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = below
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe must not block us
        descriptor = os.open(parts[-1], flags, dir_fd=at)
    finally:
        os.close(at)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", relative)
        if found.st_size > most:
            raise OSError(errno.EFBIG, f"larger than {most} bytes", relative)
        return file.read(most + 1)
