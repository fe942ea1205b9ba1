"""The ledger: events, chained by hash, and the receipts that their numbers come from.

Append-only and shared by processes. Knows how facts are kept and in which order; what they
mean, and what to do next, is the scheduler's. Who may write is `lease`'s.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from autosota.agents.domain import Receipt
from autosota.agents.scheduler.events import Event, RunFinished
from autosota.server.errors import UserError
from autosota.server.ledger.codec import (
    decode,
    decode_receipt,
    encode,
    encode_receipt,
    link,
    text_hash,
)
from autosota.server.ledger.database import connect, transaction
from autosota.server.ledger.errors import LeaseLost, plain_errors
from autosota.server.ledger.head import START, LockedHead, Position, locked

LOOK_BACK = 64
"""How many rows before the head have their `receipt.json` looked at when a ledger is opened."""

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


def utc_now() -> str:
    """The time as ISO 8601 in UTC, microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign as the ledger lists it. Times are ISO 8601 in UTC; None: not yet."""

    id: str
    created_at: str
    started_at: str | None
    finished_at: str | None
    verdict: str | None
    events: int
    runs: int


class Ledger:
    """The record of one workspace's campaigns, in one SQLite file.

    Beside `path` lie `ledger.head` and `runs/<run id>/receipt.json`, a copy of each receipt.
    One object may be used from several threads; processes open one each.

    Raises:
        NoLedger: read-only, and there is none yet.
        UserError: it cannot be opened, is newer than this version, or lost rows at its end.
    """

    def __init__(
        self, path: Path, *, read_only: bool = False, now: Callable[[], str] = utc_now
    ) -> None:
        self.path = path
        self.read_only = read_only
        self.runs = path.parent / "runs"
        self.head = path.parent / "ledger.head"
        self._now = now
        self._lock = threading.RLock()
        self._fences: dict[str, str] = {}
        self._connection = connect(path, read_only=read_only)
        if not read_only:
            try:
                self._heal()
            except BaseException:
                self._connection.close()
                raise

    # ------------------------------------------------------------------ writing

    def create_campaign(self) -> str:
        """Reserve the next short id: c1, c2 and so on."""
        with self._lock, plain_errors(self.path), transaction(self._connection):
            row = self._connection.execute("SELECT max(number) FROM campaigns").fetchone()
            number = (row[0] or 0) + 1
            self._connection.execute(
                "INSERT INTO campaigns VALUES (?, ?, ?)", (f"c{number}", number, self._now())
            )
        return f"c{number}"

    def append(self, campaign: str, event: Event, receipt: Receipt | None = None) -> None:
        """Write one event, with the receipt of a finished run, in one transaction.

        The copy of the receipt is written after the commit. A kill between the two is healed
        when the ledger is next opened for writing.

        Raises:
            ValueError: the event cannot be recorded, or does not belong to its receipt.
            LeaseLost: another process took the campaign over.
            UserError: the ledger cannot be written.
        """
        body = encode(event)
        proof = _proof(campaign, event, receipt)
        with self._lock, plain_errors(self.path), locked(self.head) as head:
            before = self._head(head)
            with transaction(self._connection):
                self._check_fence(campaign)
                last = self._last()
                self._check_end(before, last)
                at = self._now()
                position = Position(
                    last.n + 1,
                    link(
                        last.hash.encode(),
                        campaign.encode(),
                        last.n + 1,
                        at.encode(),
                        event.kind.encode(),
                        body.encode(),
                    ),
                )
                self._insert(campaign, position, at, event, body, proof)
            self._write_copies(before.n, before.n)
            head.write(position)

    def fence(self, campaign: str, token: str | None) -> None:
        """From now on, append to this campaign only while its lease holds this token."""
        with self._lock:
            if token is None:
                self._fences.pop(campaign, None)
            else:
                self._fences[campaign] = token

    # ------------------------------------------------------------------ reading

    def events(self, campaign: str) -> list[Event]:
        """All events of a campaign, in order."""
        rows = self._rows(
            "SELECT n, kind, body FROM events WHERE campaign = ? ORDER BY n", campaign
        )
        return [self._decode(n, kind, body) for n, kind, body in rows]

    def since(self, campaign: str, n: int) -> list[tuple[int, str, Event]]:
        """Row number, time and event of what was appended after row `n` (0: everything)."""
        rows = self._rows(
            "SELECT n, at, kind, body FROM events WHERE campaign = ? AND n > ? ORDER BY n",
            campaign,
            n,
        )
        return [(n, at, self._decode(n, kind, body)) for n, at, kind, body in rows]

    def receipts(self, campaign: str) -> list[Receipt]:
        """All receipts of a campaign, in the order the runs finished."""
        rows = self._rows(
            "SELECT run_id, body FROM receipts WHERE campaign = ? ORDER BY n", campaign
        )
        return [self._decode_receipt(run_id, body) for run_id, body in rows]

    def receipt(self, run_id: str) -> Receipt | None:
        """The receipt of a run, by its id or a unique beginning of it; None when unknown.

        Raises:
            UserError: several runs begin like this.
        """
        if not run_id:
            return None
        rows = self._rows(
            "SELECT run_id, body FROM receipts WHERE run_id >= ? AND run_id < ?"
            " ORDER BY run_id LIMIT 4",
            run_id,
            run_id + "\U0010ffff",
        )
        if not rows:
            return None
        if len(rows) > 1 and rows[0][0] != run_id:
            names = ", ".join(name for name, _ in rows[:3]) + (", …" if len(rows) > 3 else "")
            raise UserError(f"run {run_id!r} could be {names}; give more of its id")
        return self._decode_receipt(*rows[0])

    def campaigns(self) -> list[CampaignRow]:
        """All campaigns, oldest first."""
        return self._campaigns("")

    def campaign(self, campaign: str) -> CampaignRow:
        """One campaign.

        Raises:
            UserError: there is none of this id; the message lists those there are.
        """
        for row in self._campaigns("WHERE id = ?", campaign):
            return row
        raise self._unknown(campaign)

    def newest(self) -> CampaignRow | None:
        """The youngest campaign that has started; None when none has."""
        started = "WHERE EXISTS (SELECT 1 FROM events WHERE campaign = id)"
        rows = self._campaigns(f"WHERE number = (SELECT max(number) FROM campaigns {started})")
        return rows[0] if rows else None

    # ------------------------------------------------------------------ life

    def close(self) -> None:
        """Close the file; twice is fine."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # ------------------------------------------------------------------ how it is done

    def _insert(
        self,
        campaign: str,
        position: Position,
        at: str,
        event: Event,
        body: str,
        proof: tuple[str, str] | None,
    ) -> None:
        try:
            self._connection.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)",
                (position.n, campaign, at, event.kind, body, position.hash),
            )
        except sqlite3.IntegrityError:
            raise self._unknown(campaign) from None
        if proof is not None:
            run_id, text = proof
            try:
                self._connection.execute(
                    "INSERT INTO receipts VALUES (?, ?, ?, ?)", (run_id, campaign, position.n, text)
                )
            except sqlite3.IntegrityError:
                raise ValueError(f"run {run_id} is already in the ledger") from None

    def _heal(self) -> None:
        """Write what a killed process could not any more: copies of receipts and the head."""
        with self._lock, plain_errors(self.path), locked(self.head) as head:
            before = self._head(head)
            last = self._last()
            self._check_end(before, last)
            self._write_copies(before.n, before.n - LOOK_BACK)
            if before.n < last.n:
                head.write(last)

    def _head(self, head: LockedHead) -> Position:
        try:
            return head.read()
        except ValueError as error:
            raise UserError(f"{self.head}: {error}; {_WAY_OUT}") from None

    def _check_end(self, head: Position, last: Position) -> None:
        """Refuse to write after rows that were removed or replaced: it would hide that."""
        if head.n == last.n:
            known: str | None = last.hash
        elif head.n == 0:
            known = START.hash
        else:
            rows = self._rows("SELECT hash FROM events WHERE n = ?", head.n)
            known = rows[0][0] if rows else None
        if known is None:
            raise UserError(
                f"{self.path}: ends at row {last.n}, but row {head.n} was written; {_WAY_OUT}"
            )
        if known != head.hash:
            raise UserError(f"{self.path}: row {head.n} is not what was written; {_WAY_OUT}")

    def _check_fence(self, campaign: str) -> None:
        token = self._fences.get(campaign)
        if token is not None:
            row = self._connection.execute(
                "SELECT token FROM leases WHERE campaign = ?", (campaign,)
            ).fetchone()
            if row is None or row[0] != token:
                raise LeaseLost(campaign)

    def _last(self) -> Position:
        row = self._connection.execute(
            "SELECT n, hash FROM events ORDER BY n DESC LIMIT 1"
        ).fetchone()
        return Position(*row) if row else START

    def _write_copies(self, head: int, look_back: int) -> None:
        """Write `receipt.json` of the runs after the head, and before it where one is lost.

        A copy is not flushed to the disk, so that a power cut can lose one the head counts.
        """
        rows = self._rows("SELECT n, run_id, body FROM receipts WHERE n > ? ORDER BY n", look_back)
        for n, run_id, body in rows:
            if _RUN_ID.fullmatch(run_id) is None:
                continue  # written by hand: never follow it out of the folder
            folder = self.runs / run_id
            copy = folder / "receipt.json"
            try:
                if copy.stat().st_size > 0 and n <= head:
                    continue
            except FileNotFoundError:
                folder.mkdir(parents=True, exist_ok=True)
            half = folder / ".receipt.json.half"
            half.write_bytes(receipt_file(body))
            os.replace(half, copy)

    def _rows(self, query: str, *arguments: object) -> list[Any]:
        with self._lock, plain_errors(self.path):
            return self._connection.execute(query, arguments).fetchall()

    def _campaigns(self, where: str, *arguments: object) -> list[CampaignRow]:
        finished = "FROM events WHERE campaign = id AND kind = 'campaign_finished'"
        rows = self._rows(
            "SELECT id, created_at,"
            " (SELECT at FROM events WHERE campaign = id ORDER BY n LIMIT 1),"
            f" (SELECT at {finished} ORDER BY n DESC LIMIT 1),"
            f" (SELECT body {finished} ORDER BY n DESC LIMIT 1),"
            " (SELECT count(*) FROM events WHERE campaign = id),"
            " (SELECT count(*) FROM events WHERE campaign = id AND kind = 'run_finished')"
            f" FROM campaigns {where} ORDER BY number",
            *arguments,
        )
        return [
            CampaignRow(name, created, started, ended, _verdict(body), events, runs)
            for name, created, started, ended, body, events, runs in rows
        ]

    def _unknown(self, campaign: str) -> UserError:
        names = [row[0] for row in self._rows("SELECT id FROM campaigns ORDER BY number DESC")]
        known = ", ".join(names[:8]) + (", …" if len(names) > 8 else "") if names else "none yet"
        return UserError(f"{self.path}: no campaign {campaign!r}; there are: {known}")

    def _decode(self, n: int, kind: str, body: str) -> Event:
        try:
            return decode(kind, body)
        except UserError as error:
            raise UserError(f"{self.path}: row {n}: {error}") from error

    def _decode_receipt(self, run_id: str, body: str) -> Receipt:
        try:
            return decode_receipt(body)
        except UserError as error:
            raise UserError(f"{self.path}: receipt of {run_id}: {error}") from error


_WAY_OUT = (
    "`autosota verify` says what is missing, and removing ledger.head goes on from what is left"
)


def receipt_file(body: str | bytes) -> bytes:
    """What `receipt.json` holds for a stored receipt."""
    return (body.encode() if isinstance(body, str) else body) + b"\n"


def _proof(campaign: str, event: Event, receipt: Receipt | None) -> tuple[str, str] | None:
    """The run id and the text of a receipt that belongs to its event."""
    if not isinstance(event, RunFinished):
        if receipt is not None:
            raise ValueError(f"{event.kind} has no receipt; only run_finished does")
        return None
    if receipt is None:
        raise ValueError(f"run {event.run_id} finished without a receipt")
    if _RUN_ID.fullmatch(receipt.run_id) is None:
        raise ValueError(f"run id {receipt.run_id!r} cannot be the name of a folder")
    if (receipt.run_id, receipt.campaign) != (event.run_id, campaign):
        theirs, ours = f"{receipt.campaign}/{receipt.run_id}", f"{campaign}/{event.run_id}"
        raise ValueError(f"the receipt of {theirs} is not of {ours}")
    text = encode_receipt(receipt)
    if event.receipt != text_hash(text):
        raise ValueError(f"run {event.run_id}: the event does not hold its receipt's hash")
    return receipt.run_id, text


def _verdict(body: str | None) -> str | None:
    try:
        return str(json.loads(body)["verdict"]) if body else None
    except (ValueError, KeyError, TypeError):
        return None  # damaged: `verify` says so, a list of campaigns need not
