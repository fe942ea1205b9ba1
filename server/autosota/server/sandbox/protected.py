"""Hashes of what no candidate may change: the evaluator's files, data and labels.

A manifest has one hash per file, so that a check can name the file that changed. Content is
read once: later a file whose size, times and inode are the same is taken to be the same. The
change time (ctime) is among them, which a program cannot set back. How files are kept
read-only is not known here.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autosota.agents.domain import Protocol
from autosota.agents.protocols import Tree
from autosota.server.errors import UserError
from autosota.server.workspace import globs
from autosota.server.workspace.root import STATE

_VERSION = 1
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a manifest. `stamp` is size, mtime, ctime (both ns) and inode.

    `sha256` is of the content, or of the target's name for a link to nothing.
    """

    sha256: str
    stamp: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Files below a root with their hashes, by relative path."""

    root: Path
    entries: Mapping[str, Entry]

    @property
    def sha256(self) -> str:
        """One hash for all: over paths and contents, not over times."""
        return _fold((path, e.sha256) for path, e in self.entries.items())

    def changed(self, patterns: Sequence[str] = ()) -> list[str]:
        """What differs now, as `path: what`; empty when nothing does.

        Files whose stamp is the same are not read again.

        Args:
            patterns: The globs the manifest was made from; with them, new files are found.
        """
        out = []
        for path, entry in self.entries.items():
            try:
                if _stamp(self.root / path) == entry.stamp:
                    continue
                if _content(self.root / path, self.root) != entry.sha256:
                    out.append(f"{path}: changed")
            except FileNotFoundError:
                out.append(f"{path}: gone")
            except OSError as error:
                out.append(f"{path}: {error.strerror or error}")
        if patterns:
            found = globs.expand(self.root, patterns)
            out += [f"{p}: new" for p in found if p not in self.entries]
        return out


@dataclass(frozen=True, slots=True)
class GuardedData:
    """Data and labels of an objective, hashed. A file that is both counts as label."""

    data: Manifest
    labels: Manifest

    @property
    def sha256(self) -> str:
        """One hash for both."""
        return _fold([("data", self.data.sha256), ("labels", self.labels.sha256)])

    def changed(self, protocol: Protocol | None = None) -> list[str]:
        """What differs now, as `path: what`; with the protocol, new files are found, too."""
        found = self.data.changed(protocol.data if protocol else ())
        found += self.labels.changed(protocol.labels if protocol else ())
        return list(dict.fromkeys(found))


def guard_data(root: Path, protocol: Protocol, cache: Path | None = None) -> GuardedData:
    """Hash the data and the labels of an objective.

    Args:
        root: The workspace root.
        protocol: Names them.
        cache: A folder of ours (`.autosota/cache`).

    Raises:
        UserError: a glob is bad, or a file cannot be read.
    """
    return GuardedData(manifest(root, protocol.data, cache), manifest(root, protocol.labels, cache))


def evaluator_hash(tree: Tree, files: Iterable[str]) -> str:
    """The hash of the protected files of a tree. A file that is missing counts as missing."""
    pairs = []
    for path in sorted(set(files)):
        try:
            pairs.append((path, hashlib.sha256(tree.read(path)).hexdigest()))
        except FileNotFoundError:
            pairs.append((path, "missing"))
    return _fold(pairs)


def manifest(root: Path, patterns: Sequence[str], cache: Path | None = None) -> Manifest:
    """Hash all files that globs name below a root.

    Args:
        root: The workspace root.
        patterns: Globs relative to it.
        cache: A folder of ours for hashes of files seen before; None means no cache.

    Raises:
        UserError: a glob is bad, or a file cannot be read.
    """
    known = _load(cache, root)
    entries: dict[str, Entry] = {}
    for path in globs.expand(root, patterns):
        try:
            stamp = _stamp(root / path)
            before = known.get(path)
            if before is not None and before.stamp == stamp:
                entries[path] = before
            else:
                entries[path] = Entry(_content(root / path, root), stamp)
        except OSError as error:
            raise UserError(
                f"{root / path}: cannot be read ({(error.strerror or str(error)).lower()}); it is "
                "named in protocol.data or protocol.labels"
            ) from error
    if cache is not None and any(known.get(p) != e for p, e in entries.items()):
        _store(cache, root, {**known, **entries})
    return Manifest(root, entries)


def leads_back(root: Path, path: Path) -> bool:
    """True for a link to a folder that holds the workspace, or to our own or git's state."""
    workspace, real = Path(os.path.realpath(root)), Path(os.path.realpath(path))
    state = (workspace / STATE, workspace / ".git")
    return workspace.is_relative_to(real) or any(real.is_relative_to(s) for s in state)


def _stamp(path: Path) -> tuple[int, int, int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        found = path.lstat()  # a link to nothing is data, too
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def _content(path: Path, root: Path) -> str:
    """The hash of a file's content, of a linked folder's contents, or of a dead link's name."""
    if path.is_symlink() and (not path.exists() or path.is_dir()):
        if not path.is_dir() or leads_back(root, path):
            return hashlib.sha256(b"link\0" + os.fsencode(os.readlink(path))).hexdigest()
        inner = Path(os.path.realpath(path))
        files = sorted(p for p in inner.rglob("*") if p.is_file())
        return _fold((str(p.relative_to(inner)), _content(p, root)) for p in files)
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(0, "not a regular file", str(path))
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _fold(pairs: Iterable[tuple[str, str]]) -> str:
    digest = hashlib.sha256()
    for path, content in sorted(pairs):
        digest.update(os.fsencode(path) + b"\0" + content.encode() + b"\n")
    return digest.hexdigest()


def _place(cache: Path, root: Path) -> Path:
    return cache / f"hashes-{hashlib.sha256(os.fsencode(root)).hexdigest()[:16]}.json"


def _load(cache: Path | None, root: Path) -> dict[str, Entry]:
    """Known hashes; an unreadable cache is an empty one, it only costs time."""
    if cache is None:
        return {}
    try:
        stored = json.loads(_place(cache, root).read_bytes())
        if stored["version"] != _VERSION:
            return {}
        return {p: Entry(h, (s[0], s[1], s[2], s[3])) for p, (h, s) in stored["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return {}


def _store(cache: Path, root: Path, entries: Mapping[str, Entry]) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    files = {path: [e.sha256, e.stamp] for path, e in entries.items()}
    content = json.dumps({"version": _VERSION, "files": files}).encode()
    descriptor, part = tempfile.mkstemp(dir=cache, prefix="hashes-", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(part, _place(cache, root))
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise
