"""What can go wrong with the ledger, as single clear lines.

Knows SQLite's error codes and nothing of what is stored.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autosota.server.errors import UserError

BUSY_SECONDS = 30.0
"""How long a writer waits for another one before it gives up."""


class NoLedger(UserError):
    """There is no ledger here yet: no campaign was ever started."""


class LeaseHeld(UserError):
    """Another process drives this campaign. `pid` and `host` say which."""

    def __init__(self, campaign: str, pid: int, host: str) -> None:
        super().__init__(
            f"campaign {campaign} is already driven by process {pid} on {host}; "
            f"`autosota status` shows it, `autosota stop` ends it"
        )
        self.campaign = campaign
        self.pid = pid
        self.host = host


class LeaseLost(UserError):
    """Another process took this campaign over; this one may not write to it any more."""

    def __init__(self, campaign: str) -> None:
        super().__init__(
            f"campaign {campaign} was taken over by another process; this one stops writing to it"
        )
        self.campaign = campaign


_REASONS = {
    "SQLITE_BUSY": f"another process kept it locked for more than {BUSY_SECONDS:.0f} s; "
    "end that process or try again",
    "SQLITE_LOCKED": "another connection keeps it locked; try again",
    "SQLITE_FULL": "no space left on the disk; free some and go on with `autosota resume`",
    "SQLITE_READONLY": "it cannot be written; check the rights of the folder",
    "SQLITE_CANTOPEN": "it cannot be opened or created; check the rights of the folder",
    "SQLITE_PERM": "it cannot be opened; check its rights",
    "SQLITE_NOTADB": "this is no SQLite database; move it away to start afresh",
    "SQLITE_CORRUPT": "the database is damaged; `autosota verify` says where",
    "SQLITE_IOERR": "the disk reported an error while it was read or written",
}


SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What Python's binding raises; the second when a message quotes damaged text."""


def reason_of(error: BaseException) -> str:
    """SQLite's error in words that name the way out."""
    name = getattr(error, "sqlite_errorname", "") or ""
    for prefix, reason in _REASONS.items():
        if name.startswith(prefix):
            return reason
    if "decode" in str(error):  # damaged text: such an error has no code
        return _REASONS["SQLITE_CORRUPT"]
    return str(error)


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the disk into one `UserError` that names the ledger.

    Raises:
        UserError: instead of SQLite's errors and `OSError`.
    """
    try:
        yield
    except SQLITE_ERRORS as error:
        raise UserError(f"{path}: {reason_of(error)}") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(f"{path}: {_REASONS['SQLITE_FULL']}") from error
        where = error.filename or path
        raise UserError(f"{where}: {error.strerror or error}") from error
