"""A client, its book and a server that goes wrong on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.fakes import messages_api

from autosota.server.config.model import ModelSettings
from autosota.server.model.book import Book, Limits
from autosota.server.model.client import Client
from autosota.server.model.redact import Redactor
from autosota.server.model.wire import Address

KEY = "sk-ant-api03-planted-key-that-must-not-leak-0123456789"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other quickly; what a server asks for is waited for all the same."""
    monkeypatch.setattr("autosota.server.model.retry._FIRST_WAIT", 0.05)


@pytest.fixture
def fake() -> ModuleType:
    return messages_api


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with Book(tmp_path / ".autosota" / "model.sqlite") as found:
        yield found


@pytest.fixture
def client(book: Book) -> Callable[..., Client]:
    """Make a client for a server's address."""

    def make(url: str, *, limits: Limits | None = None, **settings: Any) -> Client:
        local = settings.pop("local", False)
        campaign = settings.pop("campaign", "c1")
        silence = settings.pop("silence", 1.0)
        return Client(
            book,
            campaign,
            ModelSettings(**{"call_seconds": 8.0, **settings}),
            Address(url, KEY, old=local),
            limits or Limits(micros=5_000_000),
            Redactor({"HOME": "/home/somebody"}, [KEY], ["/home/somebody"]),
            local=local,
            silence=silence,
        )

    return make
