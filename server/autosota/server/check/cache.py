"""What was found in a file before, by its content; one small database for each project.

A row holds for one content of a file, one content of every file it looked at, one version of
the engine and one set of settings. The file system's stamp saves the reading of files that have
not changed. A cache that cannot be read or written is a cache without rows.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from autosota.agents.domain import Finding, Place, RelatedPlace, Severity

_SCHEMA = """
CREATE TABLE IF NOT EXISTS stamps (path TEXT PRIMARY KEY, mtime INTEGER, size INTEGER, sha TEXT);
CREATE TABLE IF NOT EXISTS results (path TEXT, key TEXT, sha TEXT, looked TEXT, found TEXT,
  PRIMARY KEY (path, key));
"""
_SETTLED_NS = 2 * 10**9
"""A file that was written later than this before now may be written again with the same stamp."""
_MOST_ROWS = 60_000


@dataclass(frozen=True, slots=True)
class Result:
    """What a check of one file gave.

    Attributes:
        findings, suppressed: As the engine says them, with paths relative to the project.
        unread: Why it could not be read, else `''`.
        looked: Other files of the project that it asked for: their hash, or `''` for absent.
    """

    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Finding, ...] = ()
    unread: str = ""
    looked: Mapping[str, str] | None = None


def folder(root: Path) -> Path:
    """Where caches live: the project's own `.autosota` if it has one, else the user's cache."""
    if (root / ".autosota").is_dir():
        return root / ".autosota" / "cache"
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "autosota"


def engine_version() -> str:
    """Changes when the code of the check does."""
    import autosota.agents.check
    import autosota.agents.rules

    digest = hashlib.sha256(sys.version.encode())
    for package in (autosota.agents.check, autosota.agents.rules):
        base = Path(package.__file__ or "").parent
        for path in sorted(base.rglob("*.py")):
            status = path.stat()
            digest.update(f"{path.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:20]


class Cache:
    """The rows of one project."""

    def __init__(self, root: Path, settings_key: str) -> None:
        """Load what is known; never raises."""
        name = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]
        self._file = folder(root) / "check" / f"{name}.sqlite"
        self._key = hashlib.sha256(f"{engine_version()}\n{settings_key}".encode()).hexdigest()[:20]
        self._root = root
        self._stamps: dict[str, tuple[int, int, str]] = {}
        self._results: dict[str, tuple[str, str, str]] = {}
        self._now: dict[str, str] = {}
        self._new_stamps: dict[str, tuple[int, int, str]] = {}
        self._load()

    def _load(self) -> None:
        if not self._file.is_file():
            return
        try:
            with contextlib.closing(sqlite3.connect(self._file, timeout=1)) as database:
                for path, mtime, size, sha in database.execute("SELECT * FROM stamps"):
                    self._stamps[path] = (mtime, size, sha)
                rows = database.execute(
                    "SELECT path, sha, looked, found FROM results WHERE key = ?", (self._key,)
                )
                for path, sha, looked, found in rows:
                    self._results[path] = (sha, looked, found)
        except sqlite3.OperationalError:  # busy, or of another version: without it this time
            self._stamps, self._results = {}, {}
        except (sqlite3.DatabaseError, ValueError):
            self._stamps, self._results = {}, {}
            with contextlib.suppress(OSError):
                self._file.unlink()

    def hash_of(self, path: str) -> str:
        """The hash of a file's content now (by its stamp where that is enough); '' if none."""
        known = self._now.get(path)
        if known is None:
            known = self._now[path] = self._hash(path)
        return known

    def _hash(self, path: str) -> str:
        full = self._root / path
        try:
            status = full.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            before = self._stamps.get(path)
            if before is not None and before[:2] == stamp:
                return before[2]
            sha = hashlib.sha256(full.read_bytes()).hexdigest()[:32]
        except OSError:
            return ""
        if time.time_ns() - status.st_mtime_ns > _SETTLED_NS:
            self._new_stamps[path] = (*stamp, sha)
        return sha

    def get(self, path: str) -> Result | None:
        """What was found in this content before, or None."""
        row = self._results.get(path)
        if row is None or row[0] != self.hash_of(path) or not row[0]:
            return None
        try:
            looked = json.loads(row[1])
            if any(self.hash_of(p) != sha for p, sha in looked.items()):
                return None
            return decode(json.loads(row[2]))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def put(self, found: Iterable[tuple[str, Result]]) -> None:
        """Remember results; a file that could not be read, or changed meanwhile, is not kept."""
        rows = [
            (
                path,
                self._key,
                sha,
                json.dumps(dict(result.looked or {})),
                json.dumps(encode(result)),
            )
            for path, result in found
            if not result.unread and (sha := self.hash_of(path))
        ]
        if not rows and not self._new_stamps:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(sqlite3.connect(self._file, timeout=1)) as database, database:
                database.executescript(_SCHEMA)
                database.executemany(
                    "INSERT OR REPLACE INTO stamps VALUES (?, ?, ?, ?)",
                    [(p, *stamp) for p, stamp in self._new_stamps.items()],
                )
                database.executemany("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?)", rows)
                (count,) = database.execute("SELECT count(*) FROM results").fetchone()
                if count > _MOST_ROWS:
                    database.execute("DELETE FROM results WHERE key != ?", (self._key,))
        except (sqlite3.Error, OSError):
            return


def encode(result: Result) -> dict[str, object]:
    """A result as JSON values."""
    return {
        "findings": [asdict(f) for f in result.findings],
        "suppressed": [asdict(f) for f in result.suppressed],
        "unread": result.unread,
        "looked": dict(result.looked or {}),
    }


def decode(value: dict[str, object]) -> Result:
    """A result from JSON values.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    findings, suppressed = value["findings"], value["suppressed"]
    if not isinstance(findings, list) or not isinstance(suppressed, list):
        raise ValueError("not a result")
    return Result(
        tuple(_finding(f) for f in findings),
        tuple(_finding(f) for f in suppressed),
        str(value["unread"]),
    )


def _finding(value: dict[str, object]) -> Finding:
    row = dict(value)
    place = Place(**row.pop("place"))  # type: ignore[arg-type]
    related = tuple(RelatedPlace(**r) for r in row.pop("related"))  # type: ignore[attr-defined]
    severity = Severity(str(row.pop("severity")))
    return Finding(severity=severity, place=place, related=related, **row)  # type: ignore[arg-type]
