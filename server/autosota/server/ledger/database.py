"""The ledger's SQLite file: how it is opened, and how its schema came to be, step by step.

Knows tables and versions; what an event or a receipt means is not known here.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from autosota.server.errors import UserError
from autosota.server.ledger.errors import BUSY_SECONDS, NoLedger, plain_errors

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    # 1: the chain and the receipts
    (
        "CREATE TABLE campaigns ("
        " id TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, created_at TEXT NOT NULL)",
        "CREATE TABLE events ("
        " n INTEGER PRIMARY KEY, campaign TEXT NOT NULL REFERENCES campaigns(id),"
        " at TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL)",
        "CREATE INDEX events_by_campaign ON events(campaign)",
        "CREATE TABLE receipts ("
        " run_id TEXT PRIMARY KEY, campaign TEXT NOT NULL REFERENCES campaigns(id),"
        " n INTEGER NOT NULL UNIQUE REFERENCES events(n), body TEXT NOT NULL)",
        "CREATE INDEX receipts_by_campaign ON receipts(campaign, n)",
    ),
    # 2: one driver per campaign
    (
        "CREATE TABLE leases ("
        " campaign TEXT PRIMARY KEY, token TEXT NOT NULL, pid INTEGER NOT NULL,"
        " process_started REAL NOT NULL, host TEXT NOT NULL, boot TEXT NOT NULL,"
        " heartbeat REAL NOT NULL)",
    ),
    # 3: what faces say to the driver, and what the driver does just now
    (
        "CREATE TABLE mailbox ("
        " id INTEGER PRIMARY KEY AUTOINCREMENT, campaign TEXT NOT NULL, kind TEXT NOT NULL,"
        " body TEXT NOT NULL, posted_at TEXT NOT NULL, done_at TEXT)",
        "CREATE INDEX mailbox_pending ON mailbox(campaign, id) WHERE done_at IS NULL",
        "CREATE TABLE activity (campaign TEXT PRIMARY KEY, at TEXT NOT NULL, body TEXT NOT NULL)",
    ),
    # 4: counting the runs of a campaign without reading every event
    ("CREATE INDEX events_by_kind ON events(campaign, kind)",),
)
"""The schema's history; `PRAGMA user_version` counts the steps a file has seen. Only append."""


def connect(
    path: Path, *, read_only: bool = False, busy: float = BUSY_SECONDS
) -> sqlite3.Connection:
    """Open the ledger, with its schema brought up to this version.

    The connection is in autocommit mode, may be used from any thread (one at a time) and
    waits at most `busy` seconds for another writer. A write-opened ledger is created when
    missing; a read-only one of an older version is upgraded first, through a second connection.

    Raises:
        NoLedger: read-only, and there is no such file.
        UserError: it cannot be opened, or was written by a newer version.
    """
    with plain_errors(path):
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = _open(path, "rwc", busy)
            try:
                _use_wal(connection, busy)
                _migrate(connection, path)
            except BaseException:
                connection.close()
                raise
            return connection
        if not path.is_file():
            raise NoLedger(f"{path}: no campaign was started here yet; `autosota run` starts one")
        connection = _open_to_read(path, busy)
        try:
            version = _version(connection, path)
        except BaseException:
            connection.close()
            raise
        if version == len(MIGRATIONS):
            return connection
        connection.close()
        with closing(connect(path, busy=busy)):
            pass  # opened for writing once: upgraded
        return _open_to_read(path, busy)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """A write transaction: all of it, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled it back by itself
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _open(path: Path, mode: str, busy: float, *, immutable: bool = False) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}" + ("&immutable=1" if immutable else "")
    connection = sqlite3.connect(
        uri, uri=True, timeout=busy, isolation_level=None, check_same_thread=False
    )
    if mode != "ro":
        # A finished run may have cost hours: a commit survives a power cut, not only a kill.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _open_to_read(path: Path, busy: float) -> sqlite3.Connection:
    connection = _open(path, "ro", busy)
    try:
        connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        # In a folder that cannot be written, SQLite cannot make the shared memory that WAL
        # needs. Without a `-wal` beside it the file is complete, and nobody can change it.
        if path.with_name(path.name + "-wal").exists() or os.access(path.parent, os.W_OK):
            raise
        return _open(path, "ro", busy, immutable=True)
    return connection


def _use_wal(connection: sqlite3.Connection, busy: float) -> None:
    """Switch to WAL. Where a file system cannot, SQLite keeps its journal: slower, as safe."""
    deadline = time.monotonic() + busy
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            return
        except sqlite3.OperationalError as error:
            # The switch does not wait for other openers by itself, so this loop does.
            busy_now = getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")
            if not busy_now or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise UserError(
            f"{path}: written by a newer autosota (schema {version}, this one knows "
            f"{len(MIGRATIONS)}); upgrade autosota"
        )
    return version


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    if _version(connection, path) == len(MIGRATIONS):
        return
    with transaction(connection):
        # Read again: another process may have done it while this one waited.
        version = _version(connection, path)
        for step in MIGRATIONS[version:]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
