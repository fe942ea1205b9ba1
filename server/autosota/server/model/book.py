"""The book of model calls: what each may cost before it is sent, what it did cost, what was said.

One SQLite file beside the ledger, shared by all processes of a workspace. A call is reserved at the
most it can cost, in one transaction with the check of every limit, so that calls in flight count
and two faces cannot spend the same dollar. A call whose process was killed stays at its
reservation: what cannot be known counts in full. Text in it is redacted by whoever writes it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from autosota.agents.asking import Ending
from autosota.server.ledger.database import transaction
from autosota.server.ledger.errors import plain_errors
from autosota.server.ledger.store import utc_now
from autosota.server.model.prices import Usage

FILE = "model.sqlite"
BUSY_SECONDS = 30.0

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS requests (digest TEXT PRIMARY KEY, body TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS calls ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, campaign TEXT NOT NULL, day TEXT NOT NULL,"
    " role TEXT NOT NULL, model TEXT NOT NULL, digest TEXT NOT NULL, open INTEGER NOT NULL,"
    " micros INTEGER NOT NULL, tokens INTEGER NOT NULL, seconds REAL NOT NULL,"
    " fresh INTEGER NOT NULL DEFAULT 0, cache_read INTEGER NOT NULL DEFAULT 0,"
    " cache_write INTEGER NOT NULL DEFAULT 0, output INTEGER NOT NULL DEFAULT 0,"
    " ending TEXT NOT NULL DEFAULT '', why TEXT NOT NULL DEFAULT '', answer TEXT,"
    " began_at TEXT NOT NULL, ended_at TEXT)",
    "CREATE INDEX IF NOT EXISTS calls_by_campaign ON calls(campaign)",
    "CREATE INDEX IF NOT EXISTS calls_by_day ON calls(day)",
    "CREATE INDEX IF NOT EXISTS calls_by_digest ON calls(digest)",
    "PRAGMA user_version = 1",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be spent; None is no limit. Millionths of a dollar, tokens, seconds."""

    micros: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    micros_per_day: int | None = None
    tokens_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent, calls in flight at their most. `calls` counts requests on the wire."""

    micros: int = 0
    tokens: int = 0
    seconds: float = 0.0
    calls: int = 0
    in_flight: int = 0
    fresh: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0

    @property
    def dollars(self) -> float:
        """In dollars."""
        return self.micros / 1e6

    @property
    def cached_share(self) -> float | None:
        """The share of prompt tokens that a cache held; None before the first."""
        prompt = self.fresh + self.cache_read + self.cache_write
        return self.cache_read / prompt if prompt else None


class OverBudget(Exception):
    """A call was not sent, because it might go over a limit; the text names the limit."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One call of the journal."""

    id: int
    campaign: str
    role: str
    model: str
    digest: str
    open: bool
    micros: int
    usage: Usage
    seconds: float
    ending: str
    why: str
    answer: dict[str, Any] | None
    began_at: str


class Book:
    """The calls of one workspace. Usable from several threads.

    Raises:
        UserError: the file cannot be opened.
    """

    def __init__(self, path: Path, *, now: Callable[[], str] = utc_now) -> None:
        self.path = path
        self._now = now
        self._lock = threading.Lock()
        with plain_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                path.chmod(0o600)
                self._connection.execute("PRAGMA synchronous = FULL")
                for statement in _SCHEMA:
                    self._connection.execute(statement)
            except BaseException:
                self._connection.close()
                raise

    # ------------------------------------------------------------------ spending

    def reserve(
        self,
        campaign: str,
        role: str,
        model: str,
        digest: str,
        request: str,
        *,
        micros: int,
        tokens: int,
        seconds: float,
        limits: Limits,
    ) -> int:
        """Set aside the most that a call can cost, and write its request down; gives its number.

        Raises:
            OverBudget: a limit would not hold.
        """
        with self._writing():
            at = self._now()
            day = at[:10]
            self._check(self._spent("campaign", campaign), micros, tokens, seconds, limits)
            today = self._spent("day", day)
            per_day = Limits(limits.micros_per_day, limits.tokens_per_day)
            self._check(today, micros, tokens, 0.0, per_day, " today")
            self._connection.execute(
                "INSERT OR IGNORE INTO requests VALUES (?, ?)", (digest, request)
            )
            row = self._connection.execute(
                "INSERT INTO calls (campaign, day, role, model, digest, open, micros, tokens,"
                " seconds, began_at) VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?)",
                (campaign, day, role, model, digest, micros, tokens, seconds, at),
            )
            return int(row.lastrowid or 0)

    def settle(
        self,
        call: int,
        ending: Ending,
        *,
        micros: int,
        tokens: int,
        seconds: float,
        usage: Usage,
        why: str = "",
        answer: dict[str, Any] | None = None,
    ) -> None:
        """Write down what a call came to; twice changes nothing."""
        body = None if answer is None else json.dumps(answer, ensure_ascii=True)
        with self._writing():
            self._connection.execute(
                "UPDATE calls SET open = 0, micros = ?, tokens = ?, seconds = ?, fresh = ?,"
                " cache_read = ?, cache_write = ?, output = ?, ending = ?, why = ?, answer = ?,"
                " ended_at = ? WHERE id = ? AND open = 1",
                (
                    micros,
                    tokens,
                    seconds,
                    usage.fresh,
                    usage.cache_read,
                    usage.cache_write,
                    usage.output,
                    str(ending),
                    why,
                    body,
                    self._now(),
                    call,
                ),
            )

    def spent(self, campaign: str) -> Spent:
        """What a campaign spent on models."""
        with self._lock, plain_errors(self.path):
            return self._spent("campaign", campaign)

    def spent_today(self) -> Spent:
        """What the workspace spent on models on this day (UTC)."""
        with self._lock, plain_errors(self.path):
            return self._spent("day", self._now()[:10])

    # ------------------------------------------------------------------ the journal

    def answers(self, digest: str, campaign: str | None = None) -> list[dict[str, Any]]:
        """The answers that a request got, in order; of one campaign, if it is named."""
        where = "" if campaign is None else " AND campaign = ?"
        values = (digest, str(Ending.ANSWERED), *(() if campaign is None else (campaign,)))
        with self._lock, plain_errors(self.path):
            rows = self._connection.execute(
                "SELECT answer FROM calls WHERE digest = ? AND ending = ? AND answer IS NOT NULL"
                f"{where} ORDER BY id",
                values,
            ).fetchall()
        return [json.loads(text) for (text,) in rows]

    def entries(self, campaign: str | None = None) -> list[Entry]:
        """The journal, oldest first."""
        where, values = ("", ()) if campaign is None else (" WHERE campaign = ?", (campaign,))
        with self._lock, plain_errors(self.path):
            rows = self._connection.execute(
                "SELECT id, campaign, role, model, digest, open, micros, fresh, cache_read,"
                " cache_write, output, seconds, ending, why, answer, began_at"
                f" FROM calls{where} ORDER BY id",
                values,
            ).fetchall()
        return [_entry(row) for row in rows]

    def request(self, digest: str) -> dict[str, Any] | None:
        """The request of a digest, as it was sent."""
        with self._lock, plain_errors(self.path):
            row = self._connection.execute(
                "SELECT body FROM requests WHERE digest = ?", (digest,)
            ).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    # ------------------------------------------------------------------ life

    def close(self) -> None:
        """Close the file; twice is fine."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Book:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # ------------------------------------------------------------------ inside

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock, plain_errors(self.path), transaction(self._connection):
            yield

    def _spent(self, column: str, value: str) -> Spent:
        row = self._connection.execute(
            "SELECT coalesce(sum(micros), 0), coalesce(sum(tokens), 0),"
            " coalesce(sum(CASE WHEN open THEN 0.0 ELSE seconds END), 0.0), count(*),"
            " coalesce(sum(open), 0), coalesce(sum(fresh), 0), coalesce(sum(cache_read), 0),"
            " coalesce(sum(cache_write), 0), coalesce(sum(output), 0)"
            f" FROM calls WHERE {column} = ?",
            (value,),
        ).fetchone()
        return Spent(*row)

    @staticmethod
    def _check(
        spent: Spent, micros: int, tokens: int, seconds: float, limits: Limits, when: str = ""
    ) -> None:
        if limits.micros is not None and spent.micros + micros > limits.micros:
            raise OverBudget(
                f"${spent.dollars:.4f} of ${limits.micros / 1e6:g}{when} are spent or set aside, "
                f"and the next call may cost ${micros / 1e6:.4f}"
            )
        if limits.tokens is not None and spent.tokens + tokens > limits.tokens:
            raise OverBudget(
                f"{spent.tokens} of {limits.tokens} tokens{when} are spent or set aside, and the "
                f"next call may take {tokens}"
            )
        if limits.seconds is not None and spent.seconds >= limits.seconds:
            raise OverBudget(
                f"{spent.seconds:.0f} s of {limits.seconds:.0f} s for a model{when} are over"
            )


def _entry(row: tuple[Any, ...]) -> Entry:
    id, campaign, role, model, digest, open, micros, *counts = row[:11]
    seconds, ending, why, answer, began = row[11:]
    return Entry(
        id,
        campaign,
        role,
        model,
        digest,
        bool(open),
        micros,
        Usage(*counts),
        seconds,
        ending,
        why,
        None if answer is None else json.loads(answer),
        began,
    )
