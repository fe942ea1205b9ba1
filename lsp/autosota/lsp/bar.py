"""A progress bar of the client, for something that takes a while."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from autosota.lsp.server import Server

Report = Callable[[str, int | None], None]
"""Takes a line of text and, where it is known, how many per cent are done."""


@asynccontextmanager
async def bar(server: Server, title: str) -> AsyncIterator[tuple[Report, Callable[[], bool]]]:
    """A bar while something runs; gives how to move it and how to ask whether it was cancelled.

    Where the client has none, nothing is shown and nothing can be cancelled. Each has a token of
    its own, which pygls is made to forget.
    """
    if not server.client.shows_progress:
        yield lambda text, done: None, lambda: False
        return
    token, shown = str(uuid.uuid4()), server.work_done_progress
    try:
        await shown.create_async(token)
    except Exception:  # noqa: BLE001 - a bar that the client refuses is no reason to stop
        yield lambda text, done: None, lambda: False
        return
    shown.begin(token, types.WorkDoneProgressBegin(title, cancellable=True))

    def report(text: str, done: int | None) -> None:
        shown.report(token, types.WorkDoneProgressReport(message=text, percentage=done))

    try:
        yield report, shown.tokens[token].cancelled
    finally:
        shown.end(token, types.WorkDoneProgressEnd())
        shown.tokens.pop(token, None)
