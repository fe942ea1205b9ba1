"""What was found in a file before, by its content; one small database for each workspace.

A row holds for one content of a file, one content of every file it looked at, one version of
the engine and one set of settings. The file system's stamp saves the reading of files that have
not changed. A cache that cannot be read or written is a cache without rows.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from autosota.server.check.result import Result, Stamp, decode, encode

_LAYOUT = 3
_SCHEMA = """
CREATE TABLE stamps (path TEXT PRIMARY KEY, mtime INTEGER, ctime INTEGER, size INTEGER, sha TEXT);
CREATE TABLE results (path TEXT, key TEXT, engine TEXT, sha TEXT, looked TEXT, found TEXT,
  PRIMARY KEY (path, key));
"""
_SETTLED_NS = 2 * 10**9
"""A file that was written later than this before now may be written again with the same stamp."""
_MOST_ROWS = 50_000
_MOST_WORKSPACES = 200
_PARTS = ("autosota.agents.check", "autosota.agents.rules")
_LIBRARIES = ("tree_sitter", "tree_sitter_python")


def folder(root: str) -> Path:
    """Where caches live: the workspace's own `.autosota` if it has one, else the user's cache."""
    own = os.path.join(root, ".autosota")
    return Path(own) / "cache" if os.path.isdir(own) else user_folder()


def user_folder() -> Path:
    """The user's cache: `$XDG_CACHE_HOME` if it is absolute (XDG base directories), or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "autosota"


def engine_version() -> str:
    """Changes when the code of the check does, or what it runs on; nothing of it is loaded."""
    digest = hashlib.blake2b(sys.version.encode(), digest_size=10)
    for name in (*_PARTS, *_LIBRARIES):
        spec = importlib.util.find_spec(name)
        for base in (spec.submodule_search_locations or ()) if spec is not None else ():
            for path in sorted(_files(base)):
                status = os.stat(path)
                text = f"{name} {path[len(base) :]} {status.st_size} {status.st_mtime_ns}\n"
                digest.update(text.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _files(base: str) -> Iterator[str]:
    with os.scandir(base) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _files(entry.path)
            elif entry.name.endswith((".py", ".so", ".pyd")):
                yield entry.path


def hash_of(content: bytes) -> str:
    """What a content is known by here."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def stamp_of(path: str) -> Stamp:
    """The stamp of a file.

    Raises:
        OSError: there is no such file.
    """
    status = os.stat(path)
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size


class Cache:
    """The rows of one workspace under some settings."""

    def __init__(self, root: str, settings_key: str, engine: str) -> None:
        """Nothing is opened yet; never raises."""
        name = hashlib.blake2b(os.fsencode(root), digest_size=8).hexdigest()
        self.file = folder(root) / "check" / f"{name}.sqlite"
        self._root = root
        self._engine = engine
        self._key = hash_of(f"{engine}\n{settings_key}".encode("utf-8", "surrogateescape"))[:20]
        self._now: dict[str, str] = {}
        self._stamps: dict[str, tuple[Stamp, str]] = {}

    def get(self, paths: Iterable[str]) -> dict[str, Result]:
        """What was found before in what these files now hold; those not known are left out."""
        out: dict[str, Result] = {}
        try:
            if not self.file.is_file():
                return out
            with contextlib.closing(sqlite3.connect(self.file, timeout=1)) as database:
                if database.execute("PRAGMA user_version").fetchone() != (_LAYOUT,):
                    return out
                for path in filter(_storable, paths):
                    result = self._get(database, path)
                    if result is not None:
                        out[path] = result
        except sqlite3.OperationalError:  # busy, or not to be opened: without it this time
            pass
        except sqlite3.DatabaseError:  # not a database any more
            self._discard()
        except OSError:
            pass
        return out

    def _get(self, database: sqlite3.Connection, path: str) -> Result | None:
        row = database.execute(
            "SELECT sha, looked, found FROM results WHERE path = ? AND key = ?", (path, self._key)
        ).fetchone()
        if row is None or not row[0] or self._hash(database, path) != row[0]:
            return None
        try:
            looked = json.loads(row[1]) if row[1] else {}
            if any(self._hash(database, other) != sha for other, sha in looked.items()):
                return None
            return decode(row[2])
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def _hash(self, database: sqlite3.Connection, path: str) -> str:
        """The hash of a file's content now, by its stamp where that is enough; '' for none."""
        known = self._now.get(path)
        if known is not None:
            return known
        sha = ""
        full = os.path.join(self._root, path)
        with contextlib.suppress(OSError, ValueError):
            stamp = stamp_of(full)
            row = database.execute(
                "SELECT mtime, ctime, size, sha FROM stamps WHERE path = ?", (path,)
            ).fetchone()
            if row is not None and row[:3] == stamp:
                sha = row[3]
            elif os.path.isfile(full):
                with open(full, "rb") as file:
                    sha = hash_of(file.read())
                self._stamps[path] = (stamp, sha)
        self._now[path] = sha
        return sha

    def put(self, found: Iterable[tuple[str, Result]]) -> None:
        """Remember results; files that could not be read are not kept."""
        rows = []
        for path, result in found:
            if result.unread or not result.sha or not _storable(path):
                continue
            looked = json.dumps(dict(result.looked)) if result.looked else ""
            found_text = encode(result)
            rows.append((path, self._key, self._engine, result.sha, looked, found_text))
            self._stamps[path] = (result.stamp, result.sha)
        settled = time.time_ns() - _SETTLED_NS
        stamps = [(p, *s, sha) for p, (s, sha) in self._stamps.items() if max(s[:2]) < settled]
        if not rows and not stamps:
            return
        try:
            self._write(rows, stamps)
        except sqlite3.OperationalError:
            return
        except sqlite3.DatabaseError:
            self._discard()
        except OSError:
            return

    def _write(self, rows: Sequence[tuple[str, ...]], stamps: Sequence[tuple[object, ...]]) -> None:
        if not self.file.exists():
            self.file.parent.mkdir(parents=True, exist_ok=True)
            _make_room(self.file.parent)
        with contextlib.closing(sqlite3.connect(self.file, timeout=1)) as database, database:
            database.execute("BEGIN IMMEDIATE")
            if database.execute("PRAGMA user_version").fetchone() != (_LAYOUT,):
                for table in ("stamps", "results"):
                    database.execute(f"DROP TABLE IF EXISTS {table}")
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    database.execute(statement)
                database.execute(f"PRAGMA user_version = {_LAYOUT}")
            database.executemany("INSERT OR REPLACE INTO stamps VALUES (?, ?, ?, ?, ?)", stamps)
            database.executemany("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?)", rows)
            database.execute("DELETE FROM results WHERE engine != ?", (self._engine,))
            for table in ("results", "stamps"):
                database.execute(
                    f"DELETE FROM {table} WHERE rowid <= "
                    f"(SELECT rowid FROM {table} ORDER BY rowid DESC LIMIT 1 OFFSET ?)",
                    (_MOST_ROWS,),
                )

    def _discard(self) -> None:
        with contextlib.suppress(OSError):
            self.file.unlink()


def _storable(path: str) -> bool:
    """Whether a path can be text of a database: not when its bytes are no UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _make_room(caches: Path) -> None:
    """Let the least recently written workspaces go when there are too many."""
    files = [(f.stat().st_mtime_ns, f) for f in caches.glob("*.sqlite")]
    for _, file in sorted(files)[: max(0, len(files) - _MOST_WORKSPACES + 1)]:
        with contextlib.suppress(OSError):
            file.unlink()
