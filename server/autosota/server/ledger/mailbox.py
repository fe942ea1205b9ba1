"""What faces say to a driver, and what the driver does just now. Not part of the record.

Both go through the ledger's file, so any face reaches any driver; neither is chained, and
what was done because of a message is an event. Kinds and bodies are the sender's.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from autosota.server.ledger.database import connect
from autosota.server.ledger.errors import plain_errors
from autosota.server.ledger.store import utc_now


@dataclass(frozen=True, slots=True)
class Message:
    """One command for the driver of a campaign, for example to stop."""

    id: int
    campaign: str
    kind: str
    body: Mapping[str, Any]
    posted_at: str


@dataclass(frozen=True, slots=True)
class Activity:
    """What a driver was doing at a time, in its own words."""

    at: str
    body: Mapping[str, Any]


class Mailbox:
    """The messages and activities of one ledger file. Usable from several threads.

    Raises:
        NoLedger: read-only, and there is no ledger yet.
        UserError: the ledger cannot be opened.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection = connect(path, read_only=read_only)

    def post(self, campaign: str, kind: str, body: Mapping[str, Any] | None = None) -> int:
        """Leave a message for the driver; gives its number."""
        row = (campaign, kind, json.dumps(body or {}, allow_nan=False), utc_now())
        with self._lock, plain_errors(self.path):
            number = self._connection.execute(
                "INSERT INTO mailbox (campaign, kind, body, posted_at) VALUES (?, ?, ?, ?)", row
            ).lastrowid
        return int(number or 0)

    def pending(self, campaign: str) -> list[Message]:
        """The messages that are not done, oldest first."""
        rows = self._rows(
            "SELECT id, campaign, kind, body, posted_at FROM mailbox"
            " WHERE campaign = ? AND done_at IS NULL ORDER BY id",
            campaign,
        )
        return [
            Message(number, name, kind, json.loads(body), at)
            for number, name, kind, body, at in rows
        ]

    def done(self, message: int) -> None:
        """Take a message off the list; twice is fine."""
        with self._lock, plain_errors(self.path):
            self._connection.execute(
                "UPDATE mailbox SET done_at = ? WHERE id = ? AND done_at IS NULL",
                (utc_now(), message),
            )

    def set_activity(self, campaign: str, body: Mapping[str, Any] | None) -> None:
        """Say what runs now; None: nothing does."""
        with self._lock, plain_errors(self.path):
            if body is None:
                self._connection.execute("DELETE FROM activity WHERE campaign = ?", (campaign,))
            else:
                self._connection.execute(
                    "INSERT OR REPLACE INTO activity VALUES (?, ?, ?)",
                    (campaign, utc_now(), json.dumps(body, allow_nan=False)),
                )

    def activity(self, campaign: str) -> Activity | None:
        """What ran last, as far as the driver said; a killed driver leaves its last word."""
        rows = self._rows("SELECT at, body FROM activity WHERE campaign = ?", campaign)
        return Activity(rows[0][0], json.loads(rows[0][1])) if rows else None

    def close(self) -> None:
        """Close the file; twice is fine."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Mailbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _rows(self, query: str, *arguments: object) -> list[Any]:
        with self._lock, plain_errors(self.path):
            return self._connection.execute(query, arguments).fetchall()
