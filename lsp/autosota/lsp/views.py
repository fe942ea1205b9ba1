"""What a client's views ask for: the board, logs, curves, patches and receipts.

Everything is read and put together by the other process; here it only passes through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autosota.lsp import protocol as p
from autosota.lsp.asking import ask, root_for

if TYPE_CHECKING:
    from autosota.lsp.server import Server

Answer = dict[str, object]


async def board(server: Server, asked: p.AskBoard) -> Answer:
    """Goal, ideas, runs and campaigns of a workspace."""
    from autosota.server.editor.questions import AskBoard

    root = await root_for(server, asked.root, trusted=False)
    found: Answer = await ask(server, AskBoard(root, asked.campaign))
    return found


async def log(server: Server, asked: p.AskLog) -> Answer:
    """A stretch of a run's log."""
    from autosota.server.editor.questions import ReadLog

    root = await root_for(server, asked.root, trusted=False)
    found: Answer = await ask(server, ReadLog(root, asked.run, asked.offset))
    return found


async def series(server: Server, asked: p.Run) -> Answer:
    """What a run reported on its way."""
    from autosota.server.editor.questions import ReadSeries

    root = await root_for(server, asked.root, trusted=False)
    found: Answer = await ask(server, ReadSeries(root, asked.run))
    return found


async def patch(server: Server, asked: p.Thing) -> Answer:
    """Both sides of a patch."""
    from autosota.server.editor.questions import ReadPatch

    root = await root_for(server, asked.root, trusted=False)
    found: Answer = await ask(server, ReadPatch(root, asked.id))
    return found


async def receipt(server: Server, asked: p.Thing) -> Answer:
    """A receipt to read."""
    from autosota.server.editor.questions import ReadReceipt

    root = await root_for(server, asked.root, trusted=False)
    found: Answer = await ask(server, ReadReceipt(root, asked.id))
    return found
