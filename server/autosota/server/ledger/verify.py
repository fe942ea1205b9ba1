"""`autosota verify`: whether the record is still what was written, and if not, which part.

Recomputes the chain and every hash from the bytes on disk. Trusts nothing it can recompute,
writes nothing, and knows the evaluator and the data only through what it is given.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autosota.agents.domain import Receipt
from autosota.agents.scheduler.events import CampaignStarted, CodeAnalysed
from autosota.server.errors import UserError
from autosota.server.ledger.codec import GENESIS, decode, decode_receipt, link, text_hash
from autosota.server.ledger.database import connect
from autosota.server.ledger.errors import SQLITE_ERRORS, reason_of
from autosota.server.ledger.head import START, Position, read_head
from autosota.server.ledger.store import receipt_file


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not what was written.

    `what` is one of: chain, event, rows, head, receipt, file, log, evaluator, data, ledger.
    """

    what: str
    where: str
    detail: str

    def __str__(self) -> str:
        return f"{self.what}: {self.where}: {self.detail}"


EvaluatorHash = Callable[[CampaignStarted, CodeAnalysed], str]
"""The hash of the evaluator's files at the base commit, as it is now."""

DataHash = Callable[[CampaignStarted], str]
"""The hash of the protected data in the workspace, as it is now."""


def verify(
    path: Path,
    *,
    evaluator_hash: EvaluatorHash | None = None,
    data_hash: DataHash | None = None,
) -> list[Problem]:
    """Everything that differs from what was written; empty when all of it is intact.

    Args:
        path: the ledger; `ledger.head` and `runs/` are looked for beside it.
        evaluator_hash: recomputes the evaluator's hash; without it that is not checked.
        data_hash: recomputes the data's hash; without it that is not checked.

    Raises:
        NoLedger: there is no ledger.
        UserError: it cannot be opened at all, or is of a newer version.
    """
    record = _Record()
    problems: list[Problem] = []
    runs = path.parent / "runs"
    # First what is written last: a driver may go on meanwhile, and rows only get more.
    head = list(_head(path.parent / "ledger.head", record))
    with_receipt = sorted(run.parent for run in runs.glob("*/receipt.json"))
    try:
        with closing(connect(path, read_only=True)) as connection:
            connection.text_factory = bytes  # a changed byte may be no valid text any more
            connection.execute("BEGIN")  # one view of all tables
            problems += _database(connection, path)
            problems += _chain(connection, record)
            problems += _receipts(connection, record)
    except SQLITE_ERRORS as error:
        return [*problems, Problem("ledger", str(path), reason_of(error))]
    except UserError as error:
        if isinstance(error.__cause__, SQLITE_ERRORS):
            return [Problem("ledger", str(path), reason_of(error.__cause__))]
        raise
    problems += head or _end(path.parent / "ledger.head", record)
    problems += _runs(runs, record)
    for folder in with_receipt:
        # Without a receipt it is a run that is going on, or was killed.
        if folder.name not in record.runs:
            detail = "has a receipt, but no row in the ledger: rows were removed"
            problems.append(Problem("rows", str(folder), detail))
    problems += _campaigns(record, evaluator_hash, data_hash)
    return problems


def verify_receipt(path: Path, file: Path) -> list[Problem]:
    """Compare a receipt file, wherever it lies, with the ledger's row of the same run.

    Raises:
        NoLedger: there is no ledger.
        UserError: the file cannot be read or holds no receipt.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror or error}") from error
    try:
        run_id = str(json.loads(content)["run_id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UserError(f"{file}: not a receipt; give a run's id or its receipt.json") from None
    with closing(connect(path, read_only=True)) as connection:
        connection.text_factory = bytes
        try:
            row = connection.execute(
                "SELECT body FROM receipts WHERE run_id = ?", (run_id,)
            ).fetchone()
        except SQLITE_ERRORS as error:
            return [Problem("ledger", str(path), reason_of(error))]
    if row is None:
        return [Problem("receipt", str(file), f"the ledger has no run {run_id}")]
    if receipt_file(row[0]) != content:
        return [Problem("file", str(file), f"differs from the ledger's receipt of {run_id}")]
    return []


@dataclass(slots=True)
class _Run:
    """A finished run: what its event says, and the receipt when that is intact."""

    n: int
    campaign: str
    receipt_hash: str
    body: bytes | None = None
    receipt: Receipt | None = None


@dataclass(slots=True)
class _Record:
    """What was read on the way, for the checks that come after."""

    hashes: dict[int, str] = field(default_factory=dict)
    runs: dict[str, _Run] = field(default_factory=dict)
    started: dict[str, CampaignStarted] = field(default_factory=dict)
    analysed: dict[str, CodeAnalysed] = field(default_factory=dict)
    head: Position | None = None

    @property
    def last(self) -> int:
        return max(self.hashes, default=0)


def _database(connection: sqlite3.Connection, path: Path) -> Iterator[Problem]:
    for (line,) in connection.execute("PRAGMA integrity_check(5)"):
        if line != b"ok":
            detail = line.decode(errors="replace").replace("\n", " ")
            yield Problem("ledger", str(path), f"the database is damaged: {detail}")
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        where = f"{table.decode()} row {row}"
        yield Problem("rows", where, f"points to a row of {parent.decode()} that is gone")


def _chain(connection: sqlite3.Connection, record: _Record) -> Iterator[Problem]:
    """Every row's hash, from the hash stored before it.

    A row whose text changed breaks its own link only; a stored hash that changed breaks its
    own link and the next. That tells the two apart.
    """
    previous, last = GENESIS.encode(), 0
    broken: tuple[int, str] | None = None
    query = "SELECT n, hash, campaign, at, kind, body FROM events ORDER BY n"
    for n, *values in connection.execute(query):
        stored, campaign, at, kind, body = map(_bytes, values)
        if n != last + 1:
            if broken:
                yield _changed(*broken)
                broken = None
            gone = f"row {last + 1}" if n == last + 2 else f"rows {last + 1} to {n - 1}"
            yield Problem("rows", gone, f"missing before row {n}")
            fits = True  # what stood before it is gone, and with it the means to check
        else:
            fits = link(previous, campaign, n, at, kind, body).encode() == stored
        if broken:
            if fits:
                yield _changed(*broken)
                broken = None
            else:
                yield Problem("chain", f"row {broken[0]}", "the stored hash was changed")
                broken = None
                fits = True
        if not fits:
            broken = (n, kind.decode(errors="replace"))
        record.hashes[n] = stored.decode(errors="replace")
        yield from _read_event(n, campaign, kind, body, record)
        previous, last = stored, n
    if broken:
        yield _changed(*broken)


def _changed(n: int, kind: str) -> Problem:
    return Problem("event", f"row {n} ({kind})", "its content is not what was hashed")


def _read_event(
    n: int, campaign: bytes, kind: bytes, body: bytes, record: _Record
) -> Iterator[Problem]:
    name = campaign.decode(errors="replace")
    try:
        if kind == b"run_finished":
            fields: dict[str, Any] = json.loads(body)
            run = _Run(n, name, str(fields["receipt"]))
            record.runs[str(fields["run_id"])] = run
        elif kind in (b"campaign_started", b"code_analysed"):
            event = decode(kind.decode(), body)
            if isinstance(event, CampaignStarted):
                record.started[name] = event
            elif isinstance(event, CodeAnalysed):
                record.analysed[name] = event
    except (ValueError, KeyError, TypeError, RecursionError, UserError):
        kind_name = kind.decode(errors="replace")
        yield Problem("event", f"row {n} ({kind_name})", "its content cannot be read")


def _receipts(connection: sqlite3.Connection, record: _Record) -> Iterator[Problem]:
    query = "SELECT run_id, campaign, body, n FROM receipts ORDER BY n"
    for *values, n in connection.execute(query):
        stored_id, campaign, body = map(_bytes, values)
        run_id = stored_id.decode(errors="replace")
        where = f"receipt of {run_id}"
        run = record.runs.get(run_id)
        if run is None:
            yield Problem("receipt", where, "no finished run in the chain has this id")
            continue
        run.body = body
        if text_hash(body) != run.receipt_hash:
            yield Problem("receipt", where, f"is not the one that row {run.n} holds the hash of")
            continue
        if (n, campaign.decode(errors="replace")) != (run.n, run.campaign):
            yield Problem("receipt", where, f"does not belong to row {run.n} any more")
        try:
            run.receipt = decode_receipt(body)
        except UserError as error:
            yield Problem("receipt", where, str(error))
    for run_id, run in record.runs.items():
        if run.body is None:
            yield Problem("receipt", f"receipt of {run_id}", f"is gone (row {run.n} has its hash)")


def _head(file: Path, record: _Record) -> Iterator[Problem]:
    try:
        record.head = read_head(file)
    except (ValueError, OSError) as error:
        yield Problem("head", str(file), f"cannot be read: {error}")


def _end(file: Path, record: _Record) -> Iterator[Problem]:
    """The head against the last row: rows removed at the end leave the chain whole."""
    head, last = record.head, record.last
    if head is None:
        if last:
            yield Problem("head", str(file), "missing: rows removed at the end would not show")
    elif head.n > last:
        gone = f"row {head.n}" if head.n == last + 1 else f"rows {last + 1} to {head.n}"
        yield Problem("rows", gone, "removed at the end")
    elif (record.hashes.get(head.n) if head.n else START.hash) != head.hash:
        yield Problem("head", str(file), f"does not hold the hash of row {head.n}")


def _runs(folder: Path, record: _Record) -> Iterator[Problem]:
    """The copies and logs in the runs' folders."""
    for run_id, run in record.runs.items():
        if run.body is None or not _is_name(run_id):
            continue
        copy = folder / run_id / "receipt.json"
        try:
            if copy.read_bytes() != receipt_file(run.body):
                yield Problem("file", str(copy), "differs from the receipt in the ledger")
        except FileNotFoundError:
            # A kill between a commit and its copy; the next writer heals it.
            if record.head is not None and run.n <= record.head.n:
                yield Problem("file", str(copy), "missing")
        except OSError as error:
            yield Problem("file", str(copy), f"cannot be read: {error.strerror or error}")
        if run.receipt is not None:
            yield from _log(folder / run_id / "stdout.log", run.receipt.stdout_hash)
            yield from _log(folder / run_id / "stderr.log", run.receipt.stderr_hash)


def _log(file: Path, expected: str) -> Iterator[Problem]:
    if not expected:
        return  # nothing was stored
    try:
        with file.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        if expected != text_hash(""):
            yield Problem("log", str(file), "missing")
        return
    except OSError as error:
        yield Problem("log", str(file), f"cannot be read: {error.strerror or error}")
        return
    if found != expected:
        yield Problem("log", str(file), "is not what the run printed")


def _campaigns(
    record: _Record, evaluator_hash: EvaluatorHash | None, data_hash: DataHash | None
) -> Iterator[Problem]:
    """Evaluator and data: as they are now, and as each receipt says they were."""
    for campaign, analysed in record.analysed.items():
        started = record.started.get(campaign)
        if started is None:
            continue
        if evaluator_hash is not None:
            commit = f"evaluator of {campaign} at {started.base_commit[:12]}"
            expected = analysed.evaluator_hash
            yield from _compare("evaluator", commit, expected, evaluator_hash, started, analysed)
        if data_hash is not None:
            yield from _compare(
                "data", f"data of {campaign}", analysed.data_hash, data_hash, started
            )
    for run_id, run in record.runs.items():
        known, receipt = record.analysed.get(run.campaign), run.receipt
        if known is None or receipt is None:
            continue
        if receipt.evaluator_hash != known.evaluator_hash:
            yield Problem("evaluator", f"run {run_id}", "was judged by another evaluator")
        if receipt.data_hash != known.data_hash:
            yield Problem("data", f"run {run_id}", "ran on other data")


def _compare(
    what: str, where: str, expected: str, compute: Callable[..., str], *arguments: object
) -> Iterator[Problem]:
    try:
        found = compute(*arguments)
    except (OSError, UserError) as error:
        yield Problem(what, where, f"cannot be read: {error}")
        return
    if found != expected:
        yield Problem(what, where, "changed since the campaign measured its baseline")


def _bytes(value: object) -> bytes:
    """A column that should hold text; with a changed byte SQLite may see a number in it."""
    return value if isinstance(value, bytes) else repr(value).encode()


def _is_name(run_id: str) -> bool:
    return run_id not in ("", ".", "..") and "/" not in run_id and "\0" not in run_id
